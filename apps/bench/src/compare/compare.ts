import { conditionsNow } from "../conditions.ts";
import { randomIds } from "../random-ids.ts";
import { spreadOf } from "../spread.ts";
import { checkAgreement } from "./check-agreement.ts";
import type { Comparison, ComparisonRow } from "./comparison.ts";
import {
  type Lengths,
  type MeasureName,
  measureText,
  ratesOf,
  type Workload,
  workloadsFor,
} from "./measure.ts";
import { type ModelFacts, modelFacts } from "./model-facts.ts";
import type { KvasirSideOptions, LlamaSideOptions, SideInfo, SideOptions } from "./side.ts";
import { sideEntry } from "./side-entry-path.ts";
import { SideProcess } from "./side-process.ts";

type Unsized<Options> = Omit<Options, "model" | "threads" | "sequences" | "cacheTokens">;

export type CompareOptions = {
  /** A GGUF file. */
  readonly model: string;
  /** The file of the peer where it is not the same; for tests of what is refused. */
  readonly peerModel?: string;
  readonly ours: Unsized<KvasirSideOptions>;
  readonly peer: Unsized<KvasirSideOptions> | Unsized<LlamaSideOptions>;
  readonly threads: number;
  readonly repetitions: number;
  readonly measures: readonly MeasureName[];
  readonly lengths: Lengths;
  readonly seed: number;
  /** The largest divergence allowed, in nats; default: by the type of the weights. */
  readonly maxKl?: number;
  readonly onProgress?: (done: number, of: number) => void;
};

/**
 * Compares Kvasir with another engine on one file: first whether both compute the same, then speed and
 * memory, in turns. In each repetition both are loaded afresh, each in its own process, and every workload is
 * run by one while the other sleeps, and then the other way round; who begins changes with each repetition.
 * Throws `DisagreementError`, and `Error` where a side fails.
 */
export async function compare(options: CompareOptions): Promise<Comparison> {
  const { model, threads, repetitions, measures, lengths, seed } = options;
  const facts = await modelFacts(model);
  const workloads = workloadsFor(measures, lengths);
  checkLengths(workloads, facts);
  const conditions = conditionsNow();
  const sized = {
    threads,
    sequences: Math.max(1, ...workloads.map(({ sequences }) => sequences)),
    cacheTokens: Math.max(64, ...workloads.map((one) => one.sequences * (one.prompt + one.generate))),
  };
  const ours: SideOptions = { ...options.ours, ...sized, model };
  const peer = { ...options.peer, ...sized, model: options.peerModel ?? model } as SideOptions;
  const onProgress = options.onProgress ?? (() => {});
  onProgress(0, repetitions + 1);
  const agreement = await checkAgreement(ours, peer, facts, options);
  onProgress(1, repetitions + 1);
  const samples = { ours: new Samples(), peer: new Samples() };
  let infos: readonly [SideInfo, SideInfo] | undefined;
  for (let repetition = 0; repetition < repetitions; repetition++) {
    const round = { workloads, facts, seed: seed + repetition * 1000, oursFirst: repetition % 2 === 0 };
    infos = await runRound(ours, peer, round, samples);
    onProgress(repetition + 2, repetitions + 1);
  }
  const rows = measures.map((measure) => rowOf(measure, lengths, samples));
  const [oursInfo, peerInfo] = infos!;
  return {
    model: facts,
    threads,
    repetitions,
    lengths,
    seed,
    conditions,
    ours: oursInfo,
    peer: peerInfo,
    agreement,
    rows,
  };
}

function checkLengths(workloads: readonly Workload[], { context }: ModelFacts): void {
  const longest = Math.max(0, ...workloads.map(({ prompt, generate }) => prompt + generate));
  if (longest <= context) return;
  throw new RangeError(
    `lengths: expected at most ${context} tokens, the model's context, received ${longest} (a prompt and what is generated after it)`,
  );
}

class Samples {
  readonly #byMeasure = new Map<MeasureName, number[]>();

  add(measure: MeasureName, value: number): void {
    this.#byMeasure.set(measure, [...this.of(measure), value]);
  }

  of(measure: MeasureName): readonly number[] {
    return this.#byMeasure.get(measure) ?? [];
  }
}

type Round = {
  readonly workloads: readonly Workload[];
  readonly facts: ModelFacts;
  readonly seed: number;
  readonly oursFirst: boolean;
};

async function runRound(
  ours: SideOptions,
  peer: SideOptions,
  { workloads, facts, seed, oursFirst }: Round,
  samples: { readonly ours: Samples; readonly peer: Samples },
): Promise<readonly [SideInfo, SideInfo]> {
  await using ourProcess = new SideProcess("kvasir", sideEntry);
  await using peerProcess = new SideProcess(peer.kind, sideEntry);
  const us = { process: ourProcess, options: ours, samples: samples.ours };
  const them = { process: peerProcess, options: peer, samples: samples.peer };
  const order = oursFirst ? [us, them] : [them, us];
  const infos = new Map<SideProcess, SideInfo>();
  for (const side of order) {
    const { ms, info } = await side.process.ask("load", side.options);
    side.samples.add("load", ms);
    infos.set(side.process, info);
  }
  for (const [index, work] of workloads.entries()) {
    // Both in the same cache, which a side may make for them: what is timed is never its first use.
    const room = Math.max(16 + 3, work.prompt + work.generate);
    const warmUp = {
      prompts: promptsOf({ ...work, prompt: 16 }, facts, seed + 500 + index),
      generate: 3,
      room,
    };
    const timed = { prompts: promptsOf(work, facts, seed + 20 * index), generate: work.generate, room };
    for (const side of order) {
      await side.process.ask("generate", warmUp);
      const timing = await side.process.ask("generate", timed);
      for (const [measure, rate] of ratesOf(work, timing)) side.samples.add(measure, rate);
    }
  }
  for (const side of order)
    side.samples.add("memory", (await side.process.ask("peakMemory", undefined)) / 2 ** 20);
  return [infos.get(ourProcess)!, infos.get(peerProcess)!];
}

function promptsOf({ sequences, prompt }: Workload, { vocab }: ModelFacts, seed: number): Int32Array[] {
  return Array.from({ length: sequences }, (_, i) => randomIds(prompt, vocab, seed + i));
}

function rowOf(
  measure: MeasureName,
  lengths: Lengths,
  samples: { readonly ours: Samples; readonly peer: Samples },
): ComparisonRow {
  const text = measureText(measure, lengths);
  const [ours, peer] = [samples.ours.of(measure), samples.peer.of(measure)];
  const ratio = ours.map((value, i) => (text.unit === "tok/s" ? value / peer[i]! : peer[i]! / value));
  return { measure, ...text, ours: spreadOf(ours), peer: spreadOf(peer), ratio: spreadOf(ratio) };
}
