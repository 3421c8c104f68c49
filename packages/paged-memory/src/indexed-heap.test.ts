import fc from "fast-check";
import { expect, it } from "vitest";
import { IndexedHeap } from "./indexed-heap.ts";

it("gives the first item, whatever was added, moved and taken out", () => {
  const operation = fc.record({
    item: fc.integer({ min: 0, max: 12 }),
    key: fc.option(fc.integer(), { nil: undefined }),
  });
  fc.assert(
    fc.property(fc.array(operation, { maxLength: 80 }), (operations) => {
      const keys = new Map<number, number>();
      const heap = new IndexedHeap<number>((a, b) => keys.get(a)! < keys.get(b)!);
      for (const { item, key } of operations) {
        if (key === undefined) {
          heap.delete(item);
          keys.delete(item);
        } else {
          keys.set(item, key);
          heap.set(item);
        }
        expect([heap.size, heap.has(item), heap.isOrdered()]).toEqual([keys.size, keys.has(item), true]);
        const first = heap.first();
        expect(first === undefined ? undefined : keys.get(first)).toBe(
          [...keys.values()].sort((a, b) => a - b)[0],
        );
      }
    }),
  );
});
