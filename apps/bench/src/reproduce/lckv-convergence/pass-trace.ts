import { setImmediate as immediate } from "node:timers/promises";
import type { Model } from "@kvasir/runtime";
import { CheckpointRunner } from "../../checkpoint-runner.ts";
import { compiled } from "./compiled.ts";
import { unrolledPasses } from "./unrolled-passes.ts";

/** The keys and values of a cyclic group after every pass over a prompt, in f32. */
export class PassTrace implements Disposable {
  readonly passes: number;
  readonly #written: readonly (readonly number[])[];
  readonly #runner: CheckpointRunner;

  private constructor(written: readonly (readonly number[])[], runner: CheckpointRunner) {
    this.passes = written.length;
    this.#written = written;
    this.#runner = runner;
  }

  /** Runs the prompt in one step. Throws `RangeError` for a model without exactly one cyclic group. */
  static async of(model: Model, ids: Int32Array, passes: number): Promise<PassTrace> {
    const { program, written } = unrolledPasses(model.program, passes);
    using unrolled = compiled(model, program);
    const runner = new CheckpointRunner(unrolled, ids.length);
    try {
      await runner.logits(ids, new Int32Array(0));
    } catch (error) {
      runner.dispose();
      throw error;
    }
    return new PassTrace(written, runner);
  }

  /** [KV layers of the group][kvHeads]: numbers [tokens, headDim] after a pass, from 1. */
  async after(pass: number, data: "keys" | "values"): Promise<Float32Array[][]> {
    const layers: Float32Array[][] = [];
    for (const layer of this.#written[pass - 1]!) layers.push(await this.#runner.readSlots(layer, data));
    return layers;
  }

  dispose(): void {
    this.#runner.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}

/** [passes]: the mean squared change of an element of the group's keys and values in each; the first is from zeros. */
export async function passChanges(trace: PassTrace, signal: AbortSignal): Promise<number[]> {
  const changes = Array.from({ length: trace.passes }, () => 0);
  for (const data of ["keys", "values"] as const) {
    let before: Float32Array[] | undefined;
    for (let pass = 1; pass <= trace.passes; pass++) {
      signal.throwIfAborted();
      const after = (await trace.after(pass, data)).flat();
      let [sum, count] = [0, 0];
      for (const [head, numbers] of after.entries()) {
        const old = before?.[head];
        for (let i = 0; i < numbers.length; i++) sum += (numbers[i]! - (old ? old[i]! : 0)) ** 2;
        count += numbers.length;
        await immediate();
      }
      // As many keys as values.
      changes[pass - 1]! += sum / count / 2;
      before = after;
    }
  }
  return changes;
}
