import type { Block, Figure, PartContext, ReproduceSettings, Section } from "../figure.ts";
import { keyFindings } from "../l2-norm/key-findings.ts";
import { l2Configurations, skipName } from "../l2-norm/l2-choices.ts";
import { measureKeys } from "../l2-norm/measure-keys.ts";
import type { NeedlePlace, NeedleResult } from "../l2-norm/needle-result.ts";
import { poolKeys } from "../l2-norm/pool-keys.ts";
import { groupParts, measuredOf } from "../l2-norm/sample-groups.ts";
import { claimLine, shareLines } from "../l2-norm/share-lines.ts";
import { percent, shareText, verdictText } from "../l2-norm/show-estimate.ts";
import type { TextGroup } from "../l2-norm/text-stretches.ts";
import { passkeyFiller } from "./passkey-filler.ts";

export type PasskeySizes = {
  readonly lengths: readonly number[];
  /** A prompt for each length and depth. */
  readonly depths: readonly number[];
  readonly shares: readonly number[];
  readonly protect: readonly (readonly number[])[];
};

const sizes: PasskeySizes = {
  lengths: [256, 512, 1000],
  depths: [0.1, 0.5, 0.9],
  shares: [0.9, 0.75, 0.5, 0.3, 0.1],
  protect: [[], [0, 1]],
};

const placesOf = ({ lengths, depths }: PasskeySizes): NeedlePlace[] =>
  lengths.flatMap((length) => depths.map((depth) => ({ length, depth })));

/** Passkeys of one part. */
export function measurePasskeys(
  context: PartContext,
  { group }: TextGroup,
  own: PasskeySizes,
): Promise<NeedleResult> {
  const places = placesOf(own);
  const configurations = l2Configurations(own.shares, own.protect);
  const first = group * places.length;
  return measureKeys(context, { places, configurations, first }, async (engine) =>
    places.map(({ length }, i) => passkeyFiller(engine, length, first + i)),
  );
}

const parts = (_: ReproduceSettings) =>
  groupParts<NeedleResult>({
    key: `tiny, passkeys at ${sizes.lengths.join(", ")} tokens and depths ${sizes.depths.join(", ")}`,
    label: "passkeys of tiny by share of the cache",
    seconds: 9,
    ranks: [0, 0, 0, 1, 1, 1, 2, 2, 2, 2],
    measure: (context, group) => measurePasskeys(context, group, sizes),
  });

/** Passkeys with a part of the cache: what Devoto et al. find with a tenth of it. */
export const l2Passkey: Figure<NeedleResult> = {
  name: "l2-passkey",
  title: "L2 norm: passkeys by share of the cache kept",
  source: "Devoto et al. 2024 (arXiv 2406.11430), passkey retrieval",
  parts,
  section(results, settings): Section {
    const measured = measuredOf(parts(settings), results);
    if (measured.length === 0) return { run: run(0), blocks: [], findings: [], missing };
    const { rows } = poolKeys(measured);
    const claim = { share: 0.1, says: "100 % with a tenth of the cache (Llama-2-7B-80k)" };
    return {
      run: run(rows[0]!.found.length),
      blocks: blocks(measured),
      findings: keyFindings(rows, claim),
      missing,
    };
  },
};

/** What the paper shows beside it. */
const missing = [
  "Llama-2-7B-80k (100 % with a tenth) and the model tuned for 32k by LongLoRA (100 % with a fifth, a slight loss with a tenth): models that do not come with the program.",
];

const run = (prompts: number): string =>
  `tiny (8 layers, 7 million weights; trained on passkeys), f16 pages, ${prompts} prompts of ${sizes.lengths.join(", ")} ` +
  "tokens: a key of five digits among sentences that repeat, and a question for it. All of the prompt is read, the first token " +
  "of the answer comes from the whole cache, then the cache is compressed, once, as in the paper; an answer is too short for " +
  "another cut. Found means that greedy decoding gives every digit. No tokens are safe but the newest one.";

function blocks(measured: readonly NeedleResult[]): Block[] {
  const { rows } = poolKeys(measured);
  const byLength = sizes.lengths.map((length) => poolKeys(measured, (place) => place.length === length).rows);
  return [
    {
      kind: "lines",
      caption: `Keys found by share of the cache kept in the layers that are cut; all lengths together`,
      x: { label: "share of the cache kept", scale: "linear" },
      y: { label: "share of keys found", scale: "linear" },
      series: [
        ...shareLines(rows, ({ accuracy }) => accuracy.value),
        claimLine("Devoto et al., Llama-2-7B-80k: 100 %", 0.1, 1),
      ],
    },
    {
      kind: "table",
      caption:
        "The same in numbers and by length, with 95 % intervals; against random with as many slots, on the same prompts",
      columns: [
        "policy",
        "skipped",
        "share",
        "found",
        "against random",
        ...sizes.lengths.map((length) => `at ${length}`),
      ],
      rows: rows.map((row, i) => [
        row.policy,
        i === 0 ? "" : skipName(row.protectLayers),
        percent(row.budget),
        shareText(row.accuracy),
        verdictText(row.againstRandom),
        ...byLength.map((some) => shareText(some[i]!.accuracy)),
      ]),
    },
  ];
}
