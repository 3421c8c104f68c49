/**
 * Sizes of a Llama, after table 5 of Wu and Tu 2024 (arXiv 2405.10637) where it has them. `125m` and `15m` are for
 * machines without a GPU; `15m` is small enough for tests.
 */
export type ReproduceShape = {
  readonly name: string;
  readonly layers: number;
  readonly hidden: number;
  readonly intermediate: number;
  readonly heads: number;
  readonly kvHeads: number;
  readonly headDim: number;
  readonly vocab: number;
};

const shape = (
  name: string,
  [layers, hidden, intermediate, heads, kvHeads]: readonly [number, number, number, number, number],
): ReproduceShape => ({
  name,
  layers,
  hidden,
  intermediate,
  heads,
  kvHeads,
  headDim: hidden / heads,
  vocab: 32_000,
});

/** The shapes by name. */
export const reproduceShapes = {
  "15m": shape("15m", [12, 256, 704, 4, 4]),
  "125m": shape("125m", [12, 768, 2048, 12, 12]),
  "1.1b": shape("1.1b", [22, 2048, 5632, 32, 4]),
  "7b": shape("7b", [32, 4096, 11_008, 32, 32]),
  "30b": shape("30b", [60, 6656, 17_920, 52, 52]),
} as const satisfies Readonly<Record<string, ReproduceShape>>;
