import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Device } from "../src/device.ts";
import type { DType } from "../src/dtype.ts";
import { type Implementation, relativeError, sameBits } from "./implementation.ts";
import { type ForestShape, PrefixForest, type Sharing } from "./prefix-forest.ts";
import { Random } from "./random.ts";

type Wood = ForestShape & { readonly sequences: number; readonly sharing: Sharing };

const f32 = { dtype: "f32", pageTokens: 16 } as const;
const woods: readonly Wood[] = [
  { ...f32, sequences: 2, sharing: "all", headDim: 32, kvHeads: 1, group: 1, mask: mask(false, 0) },
  { ...f32, sequences: 7, sharing: "none", headDim: 64, kvHeads: 1, group: 2, mask: mask(false, 300) },
  { ...f32, sequences: 40, sharing: "all", headDim: 32, kvHeads: 1, group: 4, mask: mask(true, 0) },
  { ...f32, sequences: 12, sharing: "nested", headDim: 128, kvHeads: 2, group: 1, mask: mask(true, 600) },
];

/** Sequences that decode over pages which several of them share get what each gets alone. */
export function sharedPrefixCases({ name, open, precision }: Implementation): void {
  describe(`${name}: shared prefixes`, () => {
    let device: Device;
    beforeAll(() => {
      device = open();
    });
    afterAll(() => device.dispose());

    it.each(woods)(
      "$sequences sequences that share $sharing, $group query heads to a KV head of $headDim elements",
      async (wood) => {
        for (const { together, alone } of await grown(device, new Random(wood.sequences), wood, 3))
          expect(sameBits(together, alone)).toBe(true);
      },
    );

    it("any sharing, heads, page format and mask", async () => {
      for (let round = 0; round < (precision === "double" ? 2 : 6); round++) {
        const random = new Random(1000 + round);
        const wood = randomWood(random, 40);
        for (const { together, alone } of await grown(device, random, wood, 2))
          expect(sameBits(together, alone), JSON.stringify(wood)).toBe(true);
      }
    });
  });
}

/** Implementations against one that they have to agree with. */
export function sharedPrefixTwinCases(
  implementations: readonly Implementation[],
  oracle: Implementation,
): void {
  const tolerance = 3e-6;
  const rounds = [0, 1, 2].map((round) => 2000 + round);
  const run = async ({ open }: Implementation, round: number) => {
    using device = open();
    const random = new Random(round);
    return await grown(device, random, randomWood(random, 6), 1);
  };
  const expected = new Map<number, ReturnType<typeof run>>();
  it.each(rounds)(`shared prefixes give what the ${oracle.name} gives (seed %i)`, async (round) => {
    if (!expected.has(round)) expected.set(round, run(oracle, round));
    const [wanted] = await expected.get(round)!;
    for (const implementation of implementations) {
      const [actual] = await run(implementation, round);
      expect(relativeError(actual!.together, wanted!.together), implementation.name).toBeLessThan(tolerance);
    }
  });
}

/** Implementations whose results must be the same bits: one level with different numbers of threads. */
export function samePrefixBitsCases(implementations: readonly Implementation[]): void {
  const names = implementations.map(({ name }) => name).join(" and ");
  it(`${names} give the same bits for shared prefixes`, async () => {
    for (let round = 0; round < 3; round++) {
      const results = [];
      for (const { open } of implementations) {
        const random = new Random(3000 + round);
        using device = open();
        results.push((await grown(device, random, randomWood(random, 20), 1))[0]!.together);
      }
      for (const result of results) expect(sameBits(result, results[0]!)).toBe(true);
    }
  });
}

async function grown(device: Device, random: Random, wood: Wood, steps: number) {
  using forest = new PrefixForest(device, random, wood);
  await forest.grow(wood.sequences, wood.sharing);
  const results = [];
  for (let i = 0; i < steps; i++) results.push(await forest.step());
  return results;
}

/** Fewer sequences where each is much work. */
function randomWood(random: Random, most: number): Wood {
  const [headDim, kvHeads, group] = [
    random.pick([32, 64, 80, 96, 128]),
    random.integer(1, 2),
    random.integer(1, 8),
  ];
  return {
    headDim,
    kvHeads,
    group,
    sequences: random.integer(1, Math.min(most, Math.floor(12_000 / (kvHeads * group * headDim)))),
    sharing: random.pick(["nested", "nested", "all", "none"]),
    dtype: random.pick<DType>(["f32", "f16", "bf16"]),
    pageTokens: random.pick([16, 32]),
    mask: mask(random.next() < 0.3, random.pick([0, 9, 300, 600])),
  };
}

function mask(strict: boolean, window: number) {
  return { strict, window };
}
