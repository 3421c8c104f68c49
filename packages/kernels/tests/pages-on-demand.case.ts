import { expect, it } from "vitest";
import type { Implementation } from "./implementation.ts";

/** For memory of the system. A device with memory of its own takes all pages when they are made. */
export function pagesOnDemandCases({ name, open }: Implementation): void {
  it(`${name} offers far more pages than memory, as only written ones take bytes`, async () => {
    using device = open();
    using memory = device.pageMemory({ pages: 1_000_000, pageTokens: 32, headDim: 64, dtype: "f32" });
    const [values] = await memory.readSlots("position", [{ pages: Int32Array.of(999_999), slots: 1 }]);
    expect(values).toHaveLength(1);
  });
}
