import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Device, loadModel, type Model, type ModelOptions } from "../src/index.ts";
import { readTensors } from "./safetensors.ts";
import { TestSequence } from "./test-sequence.ts";

const folder = fileURLToPath(new URL("checkpoints", import.meta.url));
const bound = 2e-4;

/** The recorded results of every tiny checkpoint, on one device. */
export function checkpointCases(deviceName: string, open: () => Device): void {
  describe(`checkpoints on ${deviceName}`, () => {
    let device: Device;
    beforeAll(() => {
      device = open();
    });
    afterAll(() => device.dispose());

    for (const name of readdirSync(folder)) {
      const path = `${folder}/${name}`;
      const { prompt, greedy }: { prompt: number[]; greedy: number[] } = JSON.parse(
        readFileSync(`${path}/expected.json`, "utf8"),
      );
      const expected = readTensors(`${path}/expected.safetensors`).logits!.data;
      const cyclic = name.startsWith("lckv");

      /** Loads, feeds the prompt in chunks, hands model, sequence and logits on, frees all. */
      const feed = async <T>(
        chunk: number,
        options: Omit<ModelOptions, "device">,
        use: (logits: Float32Array, model: Model, sequence: TestSequence) => T | Promise<T>,
      ): Promise<T> => {
        using model = await loadModel(path, { device, ...options });
        const sequence = new TestSequence(device, model.program, prompt.length + greedy.length);
        using _memory = sequence.memory;
        const logits: number[] = [];
        for (let i = 0; i < prompt.length; i += chunk) {
          for (const value of await sequence.feed(model, prompt.slice(i, i + chunk))) logits.push(value);
        }
        return await use(Float32Array.from(logits), model, sequence);
      };
      const difference = (chunk: number, options: Omit<ModelOptions, "device">) =>
        feed(chunk, options, (logits) => largestDifference(logits, expected));

      // A map with circles is exact after as many passes as a chunk has tokens; the others need one.
      const exact = (chunk: number) => (cyclic ? { passes: chunk } : {});
      for (const [title, chunk] of [
        ["at once", prompt.length],
        ["in chunks of 7", 7],
        ["token by token", 1],
      ] as const) {
        it(`${name}: the prompt ${title} gives the recorded logits and greedy ids`, async () => {
          await feed(chunk, exact(chunk), async (logits, model, sequence) => {
            expect(largestDifference(logits, expected)).toBeLessThan(bound);
            const ids: number[] = [];
            let last = logits.subarray(-model.vocabSize);
            while (ids.length < greedy.length) {
              ids.push(last.indexOf(Math.max(...last)));
              last = await sequence.feed(model, ids.slice(-1));
            }
            expect(ids).toEqual(greedy);
          });
        });
      }

      it(`${name}: logits of the last token alone are the same numbers`, async () => {
        await feed(prompt.length, {}, async (logits, model) => {
          const sequence = new TestSequence(device, model.program, prompt.length);
          using _memory = sequence.memory;
          // Chunks change what a limited number of passes gives.
          const split = cyclic ? 0 : 20;
          if (split > 0) expect(await sequence.feed(model, prompt.slice(0, split), [])).toHaveLength(0);
          const rest = prompt.slice(split);
          const last = await sequence.feed(model, rest, [rest.length - 1]);
          expect(last).toEqual(logits.slice(-model.vocabSize));
        });
      });

      it(`${name}: a sequence gets the same numbers beside another one`, async () => {
        using model = await loadModel(path, { device });
        const [first, second] = [prompt.slice(0, 9), prompt.slice(20, 23)];
        const alone = new TestSequence(device, model.program, 16);
        using _memory = alone.memory;
        const expectedFirst = await alone.feed(model, first);
        const expectedSecond = await new TestSequence(device, model.program, 16, alone).feed(model, second);
        const one = new TestSequence(device, model.program, 16);
        using memory = one.memory;
        const { logits } = await model.run(memory, {
          tokens: Int32Array.from([...second, ...first]),
          sequences: [new TestSequence(device, model.program, 16, one).part(3), one.part(9)],
          outputs: Int32Array.from({ length: 12 }, (_, i) => i),
          returnLogits: true,
        });
        expect(logits).toEqual(Float32Array.from([...expectedSecond, ...expectedFirst]));
      });

      if (!cyclic) continue;

      it(`${name}: each pass comes nearer to the recorded logits`, async () => {
        const [one, nine] = [await difference(40, { passes: 1 }), await difference(40, {})];
        console.log(`${name} on ${deviceName}: largest difference ${one} after 1 pass, ${nine} after 9`);
        expect(nine).toBeLessThan(one / 10);
      });

      it(`${name}: a tolerance of 1e-6 meets the bound`, async () => {
        expect(await difference(40, { passes: 40, tolerance: 1e-6 })).toBeLessThan(bound);
      });

      it(`${name}: a tolerance of 1e-5 stops early and meets the bound`, async () => {
        const keysAfter = (options: Omit<ModelOptions, "device">) =>
          feed(40, options, async (logits, _model, sequence) => {
            if (options.tolerance) expect(largestDifference(logits, expected)).toBeLessThan(bound);
            return await sequence.keys();
          });
        const early = await keysAfter({ passes: 40, tolerance: 1e-5 });
        let passes = 9;
        while (passes < 40 && !sameNumbers(await keysAfter({ passes }), early)) passes++;
        console.log(`${name} on ${deviceName}: a tolerance of 1e-5 took ${passes} of 40 passes`);
        expect(passes).toBeLessThan(40);
      });
    }
  });
}

function largestDifference(actual: Float32Array, expected: Float32Array): number {
  expect(actual.length).toBe(expected.length);
  return actual.reduce((largest, value, i) => Math.max(largest, Math.abs(value - expected[i]!)), 0);
}

function sameNumbers(a: readonly Float32Array[], b: readonly Float32Array[]): boolean {
  return a.every((row, i) => row.every((value, j) => value === b[i]![j]));
}
