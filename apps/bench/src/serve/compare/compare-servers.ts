import { setMaxListeners } from "node:events";
import { benchVersion } from "../../bench-version.ts";
import { conditionsNow } from "../../conditions.ts";
import { spreadOf } from "../../spread.ts";
import { checkLoadSettings } from "../check-load-settings.ts";
import { LoadTarget, type Measured } from "../load-target.ts";
import type { MeasureServerOptions } from "../measure-server.ts";
import { type ServerComparison, type ServerRow, serverMeasures } from "./server-comparison.ts";

export type CompareServersOptions = MeasureServerOptions & {
  readonly compareUrl: string;
  /** Of the second server; the first one's key is not sent there. */
  readonly compareApiKey?: string;
  readonly repetitions: number;
};

/**
 * Puts the same load on two servers in turns: in each repetition on one and then on the other, and who begins
 * changes. Both get prompts by the first one's count of words, and the same kind of salt. Throws what
 * `measureServer` throws.
 */
export async function compareServers(options: CompareServersOptions): Promise<ServerComparison> {
  const { url, compareUrl, apiKey, settings, repetitions, command = "", onProgress = () => {} } = options;
  checkLoadSettings(settings);
  const signal = AbortSignal.any(options.signal ? [options.signal] : []);
  setMaxListeners(0, signal);
  const conditions = conditionsNow();
  await using first = await LoadTarget.open(url, apiKey, settings, signal);
  await using second = await LoadTarget.open(compareUrl, options.compareApiKey, settings, signal);
  const probed = {
    ...first.probed,
    hasCacheSalt: first.probed.hasCacheSalt && second.probed.hasCacheSalt,
  };
  const runs = new Map<LoadTarget, Measured[]>([
    [first, []],
    [second, []],
  ]);
  const total = 2 * repetitions;
  for (let repetition = 0; repetition < repetitions; repetition++) {
    const order = repetition % 2 === 0 ? [first, second] : [second, first];
    for (const [turn, target] of order.entries()) {
      const seed = settings.seed + 1000 * repetition;
      const done = 2 * repetition + turn;
      const shown = (share: number, now: string) =>
        onProgress({
          done: 1000 * (done + share),
          total: 1000 * total,
          now: `${done + 1} of ${total}: ${now}`,
        });
      const measured = await target.measure(
        { seed, probed },
        (progress) => shown(progress.done / progress.total, progress.now),
        signal,
      );
      runs.get(target)!.push(measured);
    }
  }
  const [ours, theirs] = [runs.get(first)!, runs.get(second)!];
  return {
    version: benchVersion(),
    command,
    conditions,
    settings,
    repetitions,
    servers: [first.server, second.server],
    rows: rowsOf(ours, theirs),
    hitRates: [hitRateOf(ours), hitRateOf(theirs)],
    violations: [first, second].flatMap((target) =>
      runs.get(target)!.flatMap(({ violations }) => violations.map((one) => `${target.server.url}: ${one}`)),
    ),
  };
}

/**
 * What both servers have a number above 0 of in every repetition: without tokens that come one by one there is no gap
 * to compare. Times are better the shorter they are.
 */
export function rowsOf(first: readonly Measured[], second: readonly Measured[]): ServerRow[] {
  return serverMeasures.flatMap(({ label, unit, of }) => {
    const [ours, theirs] = [first, second].map(
      (runs) => runs.map(of).filter((value) => value !== undefined && value > 0) as number[],
    );
    if (ours!.length < first.length || theirs!.length < second.length) return [];
    const ratio = ours!.map((value, i) => (unit === "ms" ? theirs![i]! / value : value / theirs![i]!));
    return [{ label, unit, first: spreadOf(ours!), second: spreadOf(theirs!), ratio: spreadOf(ratio) }];
  });
}

function hitRateOf(runs: readonly Measured[]): number | undefined {
  if (runs.some(({ tokens }) => tokens.hitRate === undefined)) return undefined;
  const sum = (name: "cached" | "prompt") => runs.reduce((total, { tokens }) => total + tokens[name], 0);
  return sum("cached") / sum("prompt");
}
