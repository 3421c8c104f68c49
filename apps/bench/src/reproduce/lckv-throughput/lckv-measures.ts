import { type Spread, spreadOf } from "../../spread.ts";
import { type Generation, sampledMs, throughputOf } from "../generation.ts";
import { standardKey } from "./lckv-models.ts";
import type { LckvPlan } from "./lckv-plan.ts";
import type { DecodeResult, LckvResult } from "./lckv-results.ts";
import { partKeys } from "./part-keys.ts";

/** A model's throughput over one generation, from what was measured. */
export type ThroughputMeasure = {
  readonly model: string;
  readonly batch: number;
  /** Tokens a second, prompts included. */
  readonly rate: Spread;
  /** As a multiple of the standard model's in the same repetition. */
  readonly ratio: Spread | undefined;
  /** Milliseconds of a decoding step, on average over the generation. */
  readonly stepMs: number;
  /** Share of the time that prompts took. */
  readonly promptShare: number;
};

/** Results by what they are. */
export class LckvMeasures {
  readonly #plan: LckvPlan;
  readonly #results: ReadonlyMap<string, LckvResult>;

  constructor(plan: LckvPlan, results: ReadonlyMap<string, LckvResult>) {
    this.#plan = plan;
    this.#results = results;
  }

  get batches() {
    return this.#of("batches", partKeys(this.#plan).batches);
  }

  get rates() {
    return this.#of("rates", partKeys(this.#plan).rates);
  }

  get sweep() {
    return this.#of("sweep", partKeys(this.#plan).sweep);
  }

  get whole() {
    return this.#of("whole", partKeys(this.#plan).whole);
  }

  get transformers() {
    return this.#of("transformers", partKeys(this.#plan).transformers);
  }

  prompt(tokens: number) {
    return this.#of("prompt", partKeys(this.#plan).prompt(tokens));
  }

  decode(generation: Generation) {
    return this.#of("decode", partKeys(this.#plan).decode(generation));
  }

  /** Of every model at its own largest batch; undefined where the prompt or the steps were not measured. */
  throughput(generation: Generation): readonly ThroughputMeasure[] | undefined {
    const decode = this.decode(generation);
    return decode && this.#throughput(generation, decode.batches, decode.steps);
  }

  /** Of every model at equal batches, ascending. */
  throughputOverBatches(): readonly (readonly ThroughputMeasure[])[] | undefined {
    const { sweep } = this;
    if (!sweep) return undefined;
    const rows = sweep.rows.map(({ batch, steps }) => {
      const batches = Object.fromEntries(Object.keys(steps).map((key) => [key, batch]));
      return this.#throughput(sweep.generation, batches, steps);
    });
    return rows.every((row) => row !== undefined) ? rows : undefined;
  }

  /** Generations whose throughput is known, with it. */
  get measured(): readonly {
    readonly generation: Generation;
    readonly rows: readonly ThroughputMeasure[];
  }[] {
    return this.#plan.generations.flatMap((generation) => {
      const rows = this.throughput(generation);
      return rows ? [{ generation, rows }] : [];
    });
  }

  #throughput(
    generation: Generation,
    batches: DecodeResult["batches"],
    steps: DecodeResult["steps"],
  ): readonly ThroughputMeasure[] | undefined {
    const prompt = this.prompt(generation.prompt);
    if (!prompt) return undefined;
    const promptMs = (key: string) => spreadOf(prompt.ms[key]!).median;
    const decoding = new Map(Object.keys(steps).map((key) => [key, sampledMs(generation, steps[key]!)]));
    const rates = (key: string) =>
      decoding
        .get(key)!
        .map((stepsMs) =>
          throughputOf(generation, { batch: batches[key]!, promptMs: promptMs(key), stepsMs }),
        );
    const standard = decoding.has(standardKey) ? rates(standardKey) : undefined;
    return [...decoding].map(([model, ms]): ThroughputMeasure => {
      const own = rates(model);
      const { median } = spreadOf(ms);
      const prompts = promptMs(model) * batches[model]!;
      return {
        model,
        batch: batches[model]!,
        rate: spreadOf(own),
        ratio: standard && spreadOf(own.map((rate, repetition) => rate / standard[repetition]!)),
        stepMs: median / Math.max(1, generation.generated - 1),
        promptShare: prompts / (prompts + median),
      };
    });
  }

  #of<K extends LckvResult["kind"]>(kind: K, key: string): Extract<LckvResult, { kind: K }> | undefined {
    const result = this.#results.get(key);
    if (result === undefined || result.kind !== kind) return undefined;
    return result as Extract<LckvResult, { kind: K }>;
  }
}
