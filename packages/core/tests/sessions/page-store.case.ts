import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { PageStore, PageTicket } from "../../src/tiers/page-store.ts";

/** What every page store does. `create` makes one of so many bytes. */
export function testPageStore(name: string, create: (bytes: number) => PageStore): void {
  const filled = (bytes: number, value: number) => new Uint8Array(bytes).fill(value);

  describe(name, () => {
    test("gives back what was put, once", async () => {
      const store = create(100);
      const ticket = await store.put(Uint8Array.of(1, 2, 3));
      expect(ticket?.bytes).toBe(3);
      expect(store).toMatchObject({ usedBytes: 3, entries: 1, capacity: 100 });
      expect(await store.take(ticket!)).toEqual(Uint8Array.of(1, 2, 3));
      expect(store).toMatchObject({ usedBytes: 0, entries: 0 });
      await expect(store.take(ticket!)).rejects.toMatchObject({ code: "internal" });
      store.free(ticket!);
      expect(store.usedBytes).toBe(0);
      await store.dispose();
    });

    test("holds no more than its capacity, and refuses before it does anything", async () => {
      const store = create(10);
      expect(await store.put(filled(11, 1))).toBeUndefined();
      const [one, two, three] = await Promise.all([
        store.put(filled(6, 1)),
        store.put(filled(5, 2)),
        store.put(filled(4, 3)),
      ]);
      expect(two).toBeUndefined();
      expect(store.usedBytes).toBe(10);
      store.free(one!);
      expect(store.usedBytes).toBe(4);
      expect(await store.take(three!)).toEqual(filled(4, 3));
      await store.dispose();
    });

    test("with room for nothing takes nothing", async () => {
      const store = create(0);
      expect(await store.put(filled(1, 1))).toBeUndefined();
      await store.dispose();
    });

    test("is empty and refuses when it is disposed, twice too", async () => {
      const store = create(10);
      const ticket = await store.put(filled(3, 1));
      const late = store.put(filled(3, 2)).catch((error) => error);
      await Promise.all([store.dispose(), store.dispose()]);
      await late;
      expect(store).toMatchObject({ usedBytes: 0, entries: 0 });
      store.free(ticket!);
      await expect(store.put(filled(1, 1))).rejects.toMatchObject({ code: "disposed" });
      await expect(store.take(ticket!)).rejects.toMatchObject({ code: "disposed" });
    });

    test("keeps entries apart, whatever comes and goes", async () => {
      const operation = fc.oneof(
        fc.record({ put: fc.integer({ min: 1, max: 20 }) }),
        fc.record({ take: fc.nat() }),
        fc.record({ free: fc.nat() }),
      );
      await fc.assert(
        fc.asyncProperty(fc.array(operation, { maxLength: 40 }), async (operations) => {
          const store = create(50);
          const held: { ticket: PageTicket; bytes: Uint8Array }[] = [];
          let used = 0;
          for (const [i, one] of operations.entries()) {
            if ("put" in one) {
              const bytes = filled(one.put, i + 1);
              const ticket = await store.put(bytes.slice());
              if (ticket) held.push({ ticket, bytes });
            } else if (held.length > 0) {
              const at = ("take" in one ? one.take : one.free) % held.length;
              const [{ ticket, bytes }] = held.splice(at, 1) as [(typeof held)[number]];
              if ("free" in one) store.free(ticket);
              else expect(await store.take(ticket)).toEqual(bytes);
            }
            used = held.reduce((sum, { bytes }) => sum + bytes.length, 0);
            expect(store.usedBytes).toBe(used);
            expect(used).toBeLessThanOrEqual(50);
          }
          for (const { ticket, bytes } of held) expect(await store.take(ticket)).toEqual(bytes);
          await store.dispose();
        }),
        { numRuns: 60 },
      );
    });
  });
}
