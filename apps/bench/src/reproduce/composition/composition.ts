import { tinyModels } from "@kvasir/tiny-models";
import type { Block, Figure, Part, ReproduceSettings, Section } from "../figure.ts";
import { heldOutName } from "../held-out-text.ts";
import { estimateText } from "../l2-norm/show-estimate.ts";
import { type PageFormat, pageFormats } from "./composition-case.ts";
import { compositionFindings } from "./composition-findings.ts";
import type { CompositionResult } from "./composition-result.ts";
import { type CompositionRow, compositionRows, type Refused } from "./composition-rows.ts";
import { type CompositionSizes, measureComposition } from "./measure-composition.ts";

const sizes: CompositionSizes = {
  requests: 16,
  prefix: 512,
  own: 16,
  tokens: 64,
  repetitions: 3,
  windows: 6,
  windowPrompt: 256,
  windowTokens: 64,
};

/** Memory that tokens are to fit in. */
const memory = 2 ** 30;

const places = pageFormats.flatMap((format) => tinyModels.map((model) => ({ model, format })));

const rankOf: Readonly<Partial<Record<PageFormat, number>>> = { f32: 0, bf16: 1, f16: 2 };
const seconds: Readonly<Record<(typeof tinyModels)[number], number>> = { tiny: 35, "tiny-lckv": 50 };

const partOf = (
  { model, format }: (typeof places)[number],
  settings: ReproduceSettings,
): Part<CompositionResult> => ({
  key:
    `${model}, ${format} pages, ${heldOutName(settings)}, ${sizes.requests} requests of ${sizes.prefix} + ${sizes.own} + ${sizes.tokens}, ` +
    `${sizes.windows} windows of ${sizes.windowPrompt} + ${sizes.windowTokens}, ${sizes.repetitions} repetitions`,
  label: `${model} with ${format} pages: evictions and prefixes`,
  // Formats of weights alone are tried, and refused at once.
  seconds: rankOf[format] === undefined ? 2 : seconds[model],
  rank: rankOf[format] ?? 0,
  measure: (context) => measureComposition(context, { model, format }, sizes),
});

/** What no paper has: how layer-condensed caches, eviction, page formats and shared prefixes combine. */
export const composition: Figure<CompositionResult> = {
  name: "composition",
  title: "All savings together",
  source:
    "no paper: Wu and Tu 2024 (arXiv 2405.10637) and Devoto et al. 2024 (arXiv 2406.11430) together, with page formats and shared prefixes",
  parts: (settings) => places.map((place) => partOf(place, settings)),
  section(results, settings): Section {
    const measured = places.flatMap((place) => {
      const result = results.get(partOf(place, settings).key);
      return result ? [{ ...place, result }] : [];
    });
    const { rows, refused } = compositionRows(measured);
    return {
      run: run(settings),
      blocks: [...(rows.length > 0 ? [table(rows)] : []), ...(refused.length > 0 ? [refusals(refused)] : [])],
      findings: compositionFindings(rows),
      missing: [],
    };
  },
};

const run = (settings: ReproduceSettings): string =>
  `${sizes.requests} requests that decode together: a prompt of ${sizes.prefix} + ${sizes.own} random ids, the first ${sizes.prefix} the ` +
  `same in all requests or different in each, then ${sizes.tokens} tokens, greedy. Memory is what the allocator has given out at the last ` +
  `moment when all of them run. Speed is of decoding alone, a multiple of tiny with f32 pages, everything kept and nothing shared, in the ` +
  `same repetition; medians of ${sizes.repetitions} (lowest-highest). Perplexity is over ${sizes.windows} windows of ` +
  `${sizes.windowPrompt} + ${sizes.windowTokens} tokens of text (${heldOutName(settings)}), ` +
  "the latter decoded while the cache is cut. l2-norm cuts all layers and keeps the newest 64 tokens; while a prompt is read, all of it is in the cache.";

const table = (rows: readonly CompositionRow[]): Block => ({
  kind: "table",
  caption: "Combinations",
  columns: [
    ...["model", "kept", "pages", "prefix", "bytes a token", "of the format", "tokens in 1 GiB"],
    ...["decoding", "perplexity", "x standard"],
  ],
  rows: rows.map((row) => [
    row.model,
    row.eviction,
    row.format,
    row.prefix,
    row.bytesPerToken.toFixed(0),
    `${row.formulaBytes.toFixed(0)}`,
    Math.floor(memory / row.bytesPerToken).toLocaleString("en"),
    `${row.speed.median.toFixed(2)} (${row.speed.low.toFixed(2)}-${row.speed.high.toFixed(2)})`,
    row.perplexity.toFixed(2),
    row.perplexityRatio && estimateText(row.perplexityRatio, 3),
  ]),
});

const refusals = (refused: readonly Refused[]): Block => ({
  kind: "table",
  caption: "What was tried and refused, in the software's words",
  columns: ["combination", "reason"],
  rows: refused.map(({ name, reason }) => [name, reason]),
});
