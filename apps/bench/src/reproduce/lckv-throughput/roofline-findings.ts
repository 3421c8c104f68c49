import { listed, shown, times } from "../show-number.ts";
import { publishedName, publishedPeak } from "./published.ts";
import {
  caseTraffic,
  predictedRatio,
  publishedCase,
  publishedCases,
  type RooflineCase,
  ratioLimit,
  trafficOf,
} from "./roofline-ratios.ts";

/** Share of a limit from which on nothing else matters. */
const nearly = 0.95;

/** Where the paper's largest ratio would appear, by the roofline. */
export function rooflineFindings(own: readonly RooflineCase[]): string[] {
  return [...ownFindings(own), ...peakFindings(), ...publishedFindings()];
}

function ownFindings(own: readonly RooflineCase[]): string[] {
  const [first] = own;
  if (!first) return [];
  const traffic = caseTraffic(first);
  const { ratio } = publishedPeak;
  const reached = own.flatMap((one) => {
    const at = trafficOf(one, ratio);
    return at === undefined ? [] : [`${one.name} at ${shown(at)}`];
  });
  const limits = own.map(ratioLimit);
  const limit = Math.max(...limits);
  const wide = own[limits.indexOf(limit)]!;
  const near = trafficOf(wide, nearly * limit);
  const answer =
    reached.length > 0
      ? `the paper's ${times(ratio)} would appear where reading the weights takes this many times as long as computing a token: ${listed(reached)}`
      : `no machine would show the paper's ${times(ratio)} with these models: with batches of ${wide.batches.standard} and ${wide.batches.lckv} it ends at ${times(limit)} (${wide.name}), of which ${Math.round(nearly * 100)} % is there from ${near === undefined ? "no ratio tried" : `${shown(near)} on`}`;
  return [
    `On this machine reading the weights takes ${shown(traffic)} times as long as computing one token with them, so that beyond about ${Math.ceil(traffic)} sequences a step is bound by arithmetic or by reading the cache, and a larger batch gains little. By the roofline ${answer}.`,
    `The roofline and the measurements here: ${listed(own.map((one) => `${one.name} ${times(predictedRatio(one))} predicted, ${times(one.measured)} measured`))}.`,
  ];
}

function peakFindings(): string[] {
  const { row, ratio } = publishedPeak;
  const peak = publishedCase(row);
  const [limit, at] = [ratioLimit(peak), caseTraffic(peak)];
  const where = trafficOf(peak, ratio);
  const near = trafficOf(peak, nearly * limit);
  const secondsEach = row.standard.batch / row.standard.rate;
  const reach =
    where === undefined
      ? `The lines end at ${times(limit)} there (batches of ${peak.batches.standard} and ${peak.batches.lckv} are ${times(peak.batches.lckv / peak.batches.standard)}, and w = 2 has fewer projections to move), ${shown((limit / ratio) * 100)} % of the paper's ${times(ratio)}${near === undefined ? "" : `, and are within ${Math.round((1 - nearly) * 100)} % of that from ${shown(near)} on`}`
      : `The line reaches the paper's ${times(ratio)} at ${shown(where)}`;
  return [
    `The paper's ${times(ratio)} is ${publishedName(row)}: its weights cross the bus in every step, which takes ${shown(at)} times as long as computing a token (${shown(secondsEach)} s a step by the paper's own ${row.standard.rate} tokens/s), so throughput follows the batch. ${reach}.`,
  ];
}

/** How far the roofline explains the paper's own table. */
function publishedFindings(): string[] {
  const cases = publishedCases();
  const factors = cases.map((one) => predictedRatio(one) / one.measured);
  const within = factors.filter((factor) => factor > 2 / 3 && factor < 3 / 2).length;
  const [low, high] = [Math.min(...factors), Math.max(...factors)];
  return [
    `Of the paper's ${cases.length} rows the roofline gives ${within} within a factor of 1.5 (${times(low)} to ${times(high)} of the published ratio), from peaks that software does not reach.`,
  ];
}
