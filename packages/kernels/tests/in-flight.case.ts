import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Device } from "../src/device.ts";
import { greedySampling } from "../src/greedy-sampling.ts";
import { Decoding } from "./decoding.ts";
import type { Implementation } from "./implementation.ts";
import { keepLast } from "./keep-last.ts";
import { Random } from "./random.ts";
import { tinyDecoder } from "./tiny-model.ts";

/** Work is described and submitted before what it goes on from has ended. */
export function inFlightCases({ name, open }: Implementation): void {
  describe(`${name}: in flight`, () => {
    let device: Device;
    beforeAll(() => {
      device = open();
    });
    afterAll(() => device.dispose());

    it("steps, moves and reads give what they give when each waits for the one before", async () => {
      const run = async (waits: boolean): Promise<unknown[]> => {
        using decoding = new Decoding(device, tinyDecoder(151), { dtype: "bf16" }, 7);
        const { executable, memory } = decoding;
        using queries = executable.queryWindow(4);
        const sequence = decoding.sequence();
        const tokens = new Random(152).integers(48, 0, 49);
        const results: Promise<unknown>[] = [];
        const submit = async (work: Promise<unknown>) => {
          results.push(work);
          if (waits) await work;
        };
        const step = (begin: number, end: number) =>
          submit(
            executable.run(memory, {
              tokens: tokens.slice(begin, end),
              sequences: [
                { ...sequence.next(end - begin), queries, collect: { reduce: "sum", temperature: 1 } },
              ],
              outputs: Int32Array.of(end - begin - 1),
              sampling: [greedySampling],
              returnLogits: true,
            }),
          );
        await step(0, 40);
        await step(40, 41);
        await submit(memory.readSlots("attentionSum", sequence.slotTables()));
        await submit(keepLast(memory, sequence, 20));
        for (let i = 41; i < 48; i++) await step(i, i + 1);
        await submit(memory.readSlots("attentionSum", sequence.slotTables()));
        return Promise.all(results);
      };
      expect(await run(false)).toEqual(await run(true));
    });
  });
}
