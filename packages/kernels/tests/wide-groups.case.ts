import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Device } from "../src/device.ts";
import type { Implementation } from "./implementation.ts";
import { Random } from "./random.ts";
import { SignalModel } from "./signal-model.ts";
import { SignalWorld } from "./signal-world.ts";
import { slotError } from "./slot-error.ts";

/** So many query heads to a KV head that one row is more than what kernels take at once, or nearly so. */
export function wideGroupsCases({ name, open, precision }: Implementation): void {
  describe(`${name}: wide groups`, () => {
    let device: Device;
    beforeAll(() => {
      device = open();
    });
    afterAll(() => device.dispose());

    it.each([
      { group: 12, reduce: "mean" },
      { group: 64, reduce: "sum" },
      { group: 71, reduce: "max" },
      { group: 130, reduce: "mean" },
    ] as const)("signals of $group query heads to a KV head, $reduce", async ({ group, reduce }) => {
      const random = new Random(group);
      const model = new SignalModel(random, 1, 6, [2], false, [group]);
      using world = new SignalWorld(model, device, random, { dtype: "f16", pageTokens: 16 });
      const sequence = world.sequence(3, { reduce, temperature: 1 }, 4);
      await world.step([{ sequence, rows: 253, collects: false, holds: false }]);
      for (const rows of [1, 7]) await world.step([{ sequence, rows }]);
      await world.evict(sequence);
      await world.step([{ sequence, rows: 3 }]);
      const [actual, expected] = await world.sums(sequence);
      expect(slotError(actual, expected)).toBeLessThan(precision === "double" ? 6e-7 : 8e-6);
      for (const measure of ["sum", "expected"] as const) {
        const read = { kvLayer: 0, kvHead: 0, measure, window: 3, reduce, threshold: 1, future: 10 };
        const [shares] = await world.read(sequence, [read]);
        const error = slotError(shares!, world.readNaively(sequence, read));
        expect(error).toBeLessThan(precision === "double" ? 3e-6 : 9e-5);
      }
    });
  });
}
