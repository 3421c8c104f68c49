/** The mean squared change of new keys and values in every pass over a prompt; the first is from zeros. */
export type CurveResult = {
  readonly kind: "curve";
  readonly tokens: number;
  readonly changes: readonly number[];
};

/** See `SequentialDifference`. */
export type EqualityResult = {
  readonly kind: "equality";
  readonly tokens: number;
  readonly kv: readonly number[];
  readonly logits: readonly { readonly passes: number; readonly difference: number }[];
};

export type ConvergenceResult = CurveResult | EqualityResult;

/** A model that figure 3 is made with. */
export type MeasuredModel = {
  /** For people and for keys, such as `random 0.02, w = 2`. */
  readonly name: string;
  /** Of matrices; undefined where they are drawn as `synthesize` draws them, and for a trained model. */
  readonly deviation?: number;
  /** Warm-up layers. */
  readonly warmup: number;
  readonly trained: boolean;
};

function plain(warmup: number): MeasuredModel {
  const deviation = 0.02;
  return { name: `random (deviation ${deviation}), w = ${warmup}`, warmup, deviation, trained: false };
}

function scaled(warmup: number): MeasuredModel {
  return { name: `random (1/sqrt(inputs)), w = ${warmup}`, warmup, trained: false };
}

/** What Hugging Face Transformers begins a Llama with, which is what the paper's code trains. */
export const plainModels = [plain(0), plain(2), plain(4)] as const;

/** As `synthesize` draws weights: so that activations stay near 1 through all layers. */
export const scaledModels = [scaled(0), scaled(2), scaled(4)] as const;

export const trainedModel: MeasuredModel = { name: "tiny-lckv, w = 2", warmup: 2, trained: true };

/** Changes below this share of the first count as none. */
export const negligible = 1e-5;

/** The first pass, from 1, whose change is below a share of the first pass's; undefined where none was. */
export function passBelow({ changes }: CurveResult, share: number): number | undefined {
  const index = changes.findIndex((change) => change < share * changes[0]!);
  return index < 0 ? undefined : index + 1;
}

/** The first number of passes from which on every difference is within a bound. */
export function passesWithin(differences: readonly number[], bound: number): number | undefined {
  const last = differences.findLastIndex((difference) => !(difference <= bound));
  return last + 1 < differences.length ? last + 2 : undefined;
}
