import fc from "fast-check";
import { expect, test } from "vitest";
import { type Extent, Extents } from "./extents.ts";

test("extents are the first that fit, never overlap, and are whole again when all are freed", () => {
  const capacity = 40;
  const operation = fc.oneof(
    fc.record({ allocate: fc.integer({ min: 1, max: 15 }) }),
    fc.record({ free: fc.nat() }),
  );
  fc.assert(
    fc.property(fc.array(operation, { maxLength: 100 }), (operations) => {
      const extents = new Extents(capacity);
      // The twin: one letter a byte.
      let bytes = ".".repeat(capacity);
      const mark = ({ start, bytes: count }: Extent, letter: string) => {
        bytes = bytes.slice(0, start) + letter.repeat(count) + bytes.slice(start + count);
      };
      const held: Extent[] = [];
      for (const one of operations) {
        if ("allocate" in one) {
          const extent = extents.allocate(one.allocate);
          expect(extent?.start ?? -1).toBe(bytes.indexOf(".".repeat(one.allocate)));
          if (!extent) continue;
          expect(extent.bytes).toBe(one.allocate);
          mark(extent, "x");
          held.push(extent);
        } else if (held.length > 0) {
          const [extent] = held.splice(one.free % held.length, 1);
          extents.free(extent!);
          mark(extent!, ".");
        }
        extents.checkIntegrity();
        expect(extents.usedBytes).toBe(bytes.replaceAll(".", "").length);
      }
      for (const extent of held) extents.free(extent);
      expect(extents.allocate(capacity)).toEqual({ start: 0, bytes: capacity });
    }),
    { numRuns: 500 },
  );
});

test("what is free cannot be freed", () => {
  const extents = new Extents(10);
  const extent = extents.allocate(4)!;
  extents.allocate(2);
  for (const wrong of [
    { start: 6, bytes: 1 },
    { start: 5, bytes: 2 },
    { start: 8, bytes: 5 },
  ])
    expect(() => extents.free(wrong)).toThrow(/not in use/);
  extents.free(extent);
  expect(() => extents.free(extent)).toThrow(/not in use/);
  expect(extents.usedBytes).toBe(2);
  extents.checkIntegrity();
});
