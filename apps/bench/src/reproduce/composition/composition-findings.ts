import { estimateText, percent } from "../l2-norm/show-estimate.ts";
import { standardCase } from "./composition-case.ts";
import { type CompositionRow, productOf, savingsOf } from "./composition-rows.ts";

/** How far from the product of single savings still counts as multiplying. */
const close = 0.1;

/** How far repetitions may lie apart before a ratio of them is more noise than measure. */
const steady = 1.5;

const isClose = (value: number, to: number): boolean => Math.abs(value / to - 1) <= close;

/** Whether savings multiply: in memory, in speed and in what they cost. */
export function compositionFindings(rows: readonly CompositionRow[]): string[] {
  return [
    ...memoryFindings(rows),
    ...sharedFindings(rows),
    ...speedFindings(rows),
    ...perplexityFindings(rows),
  ];
}

function compared(rows: readonly CompositionRow[], number: (row: CompositionRow) => number) {
  return rows
    .filter((row) => savingsOf(row) > 1)
    .flatMap((row) => {
      const expected = productOf(rows, row, number);
      return expected === undefined ? [] : [{ row, expected, measured: number(row) }];
    });
}

function memoryFindings(rows: readonly CompositionRow[]): string[] {
  const all = compared(rows, ({ bytesPerToken }) => bytesPerToken);
  if (all.length === 0) return [];
  const others = all.filter(({ measured, expected }) => !isClose(measured, expected));
  const standard = rows.find((row) => savingsOf(row) === 0)!;
  const least = all.reduce((a, b) => (b.measured < a.measured ? b : a));
  const both = others.filter(({ row }) => row.eviction !== "full" && row.prefix === "shared");
  const rest = others.filter((one) => !both.includes(one));
  return [
    `Memory: ${all.length - others.length} of ${all.length} combinations take what the product of their single savings says, ` +
      `within ${100 * close} %. The smallest is ${least.row.name}: ${least.measured.toFixed(0)} bytes a token, ` +
      `${(standard.bytesPerToken / least.measured).toFixed(1)} times less than ${standard.name}.`,
    ...(both.length > 0
      ? [
          `Of the ${others.length} that do not, ${both.length} combine eviction and a shared prefix: they take ` +
            `${range(both.map(({ measured, expected }) => measured / expected))} times the product.`,
        ]
      : []),
    ...rest.map(
      ({ row, measured, expected }) =>
        `${row.name}: ${measured.toFixed(0)} bytes a token where the product says ${expected.toFixed(0)}; its pages are filled to ` +
        `${row.occupancy.toFixed(2)}, those of the standard case to ${standard.occupancy.toFixed(2)}.`,
    ),
  ];
}

/** What eviction does to pages that requests share. */
function sharedFindings(rows: readonly CompositionRow[]): string[] {
  const { model, format } = standardCase;
  const at = (eviction: CompositionRow["eviction"], prefix: CompositionRow["prefix"]) =>
    rows.find(
      (row) =>
        row.model === model && row.format === format && row.eviction === eviction && row.prefix === prefix,
    )?.bytesPerToken;
  const [whole, own, cut] = [at("full", "shared"), at("l2-norm 0.5", "none"), at("l2-norm 0.5", "shared")];
  if (whole === undefined || own === undefined || cut === undefined) return [];
  const lost = isClose(cut, own);
  return [
    `${model}, ${format}, half of the cache evicted: ${cut.toFixed(0)} bytes a token with a shared prefix and ${own.toFixed(0)} without. ` +
      (lost
        ? "Eviction ends sharing: which slots stay is each request's own matter, so each writes them to pages of its own. "
        : "Sharing goes on to save memory after eviction. ") +
      (cut > whole
        ? `Sharing alone takes ${whole.toFixed(0)}, so evicting from a prefix that these requests share costs memory.`
        : `Sharing alone takes ${whole.toFixed(0)}, so eviction frees memory here too.`),
  ];
}

function speedFindings(rows: readonly CompositionRow[]): string[] {
  const all = compared(rows, ({ speed }) => speed.median);
  if (all.length === 0) return [];
  const below = all.filter(({ measured, expected }) => measured < expected && !isClose(measured, expected));
  const above = all.filter(({ measured, expected }) => measured > expected && !isClose(measured, expected));
  const fastest = rows.reduce((a, b) => (b.speed.median > a.speed.median ? b : a));
  const widest = Math.max(...rows.map(({ speed }) => speed.high / speed.low));
  const slowest = rows.reduce((a, b) => (b.speed.median < a.speed.median ? b : a));
  return [
    `Decoding: of ${all.length} combinations, ${all.length - below.length - above.length} run at the product of their single factors ` +
      `(within ${100 * close} %), ${below.length} below it and ${above.length} above it. Fastest is ${fastest.name} with ` +
      `${fastest.speed.median.toFixed(2)} times the standard case, slowest ${slowest.name} with ${slowest.speed.median.toFixed(2)}. ` +
      `With next to nothing in the cache ${fastest.model} with ${fastest.format} pages decodes ${fastest.ceiling.median.toFixed(2)} times as fast ` +
      "as the standard case: what attention to the cache takes no part in bounds what any saving of it can bring" +
      (below.length > 0 && fastest.speed.median >= 0.8 * fastest.ceiling.median
        ? `, and the fastest case is at ${percent(fastest.speed.median / fastest.ceiling.median)} of it, so there is little left to multiply.`
        : ".") +
      (widest > steady
        ? ` Repetitions of one case differ by up to ${widest.toFixed(1)} times: this machine did other things besides, and factors of speed say little.`
        : ""),
  ];
}

function perplexityFindings(rows: readonly CompositionRow[]): string[] {
  const known = rows.flatMap((row) =>
    row.prefix === "none" && row.perplexityRatio ? [{ row, ratio: row.perplexityRatio }] : [],
  );
  const costs = known
    .filter(({ row }) => savingsOf(row) === 1)
    .map(({ row, ratio }) => `${row.name} ${estimateText(ratio, 3)}`);
  const combined = compared(
    known.map(({ row }) => row),
    ({ perplexityRatio }) => perplexityRatio!.value,
  );
  if (costs.length === 0) return [];
  const worse = combined.filter(({ measured, expected }) => measured > expected * 1.01);
  return [
    `Perplexity, as a multiple of the standard case's, of single savings: ${costs.join("; ")}. A shared prefix changes no bit of it.`,
    ...(combined.length > 0
      ? [
          worse.length === 0
            ? `None of ${combined.length} combinations costs more than the product of its single costs (by 1 % or more).`
            : `${worse.length} of ${combined.length} combinations cost more than the product of their single costs: ` +
              `${worse.map(({ row, measured, expected }) => `${row.name} ${measured.toFixed(3)} in place of ${expected.toFixed(3)}`).join("; ")}.`,
        ]
      : []),
  ];
}

function range(values: readonly number[]): string {
  const [low, high] = [Math.min(...values).toFixed(1), Math.max(...values).toFixed(1)];
  return low === high ? low : `${low} to ${high}`;
}
