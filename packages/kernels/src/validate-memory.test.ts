import { expect, it } from "vitest";
import { validateCompactions, validateSlotReads } from "./validate-memory.ts";

// More slots than the 32 bits hold in which they cross the C ABI.
const source = new Int32Array(2 ** 31 / 32);
const spec = { pages: 1, pageTokens: 32, headDim: 2, dtype: "f32" } as const;

it("merges no more slots than cross the C ABI", () => {
  const head = { source, keep: new Int32Array(0), destination: new Int32Array(0) };
  const merging = (slots: number) => validateCompactions(spec, [{ ...head, merge: { slots, threshold: 0 } }]);
  expect(() => merging(2 ** 31)).toThrow(
    "heads[0].merge.slots is 2147483648; expected an integer from 0 to 2147483647",
  );
  expect(() => merging(2 ** 31 - 1)).not.toThrow();
});

it("reads no more slots than cross the C ABI", () => {
  const reading = (slots: number) => validateSlotReads(spec, "position", [{ pages: source, slots }]);
  expect(() => reading(2 ** 31)).toThrow(
    "tables[0].slots is 2147483648; expected an integer from 0 to 2147483647",
  );
  expect(() => reading(2 ** 31 - 1)).not.toThrow();
});
