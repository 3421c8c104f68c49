import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Device } from "../src/device.ts";
import type { AttentionCollection } from "../src/step.ts";
import type { Implementation } from "./implementation.ts";
import { Random } from "./random.ts";
import { SignalModel } from "./signal-model.ts";
import { type SignalSequence, SignalWorld } from "./signal-world.ts";
import { slotError } from "./slot-error.ts";

/** What attention tells at the last positions that there are. */
export function lastPositionsCases({ name, open, precision }: Implementation): void {
  describe(`${name}: signals at the last positions`, () => {
    const tolerances = precision === "double" ? { sum: 6e-7, expected: 2e-7 } : { sum: 3e-6, expected: 4e-6 };
    let device: Device;
    beforeAll(() => {
      device = open();
    });
    afterAll(() => device.dispose());

    async function checkAll(world: SignalWorld, sequence: SignalSequence) {
      const [sums, expectedSums] = await world.sums(sequence);
      expect(slotError(sums, expectedSums), "collected").toBeLessThan(tolerances.sum);
      for (const reduce of ["mean", "max", "sum"] as const) {
        for (const measure of ["sum", "expected"] as const) {
          const { window } = sequence.queries;
          const read = { kvLayer: 0, kvHead: 1, measure, window, reduce, threshold: 1, future: 3 };
          const [shares] = await world.read(sequence, [read]);
          const error = slotError(shares!, world.readNaively(sequence, read));
          expect(error, `${measure}, ${reduce}`).toBeLessThan(tolerances[measure]);
        }
      }
    }

    it("are those of any other", async () => {
      const random = new Random(31);
      const model = new SignalModel(random, 2, 6, [2]);
      using world = new SignalWorld(model, device, random, { dtype: "f32", pageTokens: 16 });
      const collect: AttentionCollection = { reduce: "mean", temperature: 1, noiseSeed: 0xffffffff };
      const sequence = world.sequence(16, collect);
      // Its last row is at 2^31 - 5, and a read looks 3 positions ahead.
      sequence.paged.position = 2 ** 31 - 4 - 20;
      await world.step([{ sequence, rows: 19 }]);
      await world.step([{ sequence, rows: 1 }]);
      await checkAll(world, sequence);
    });
  });
}
