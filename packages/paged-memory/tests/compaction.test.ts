import fc from "fast-check";
import { expect, it } from "vitest";
import { checkIntegrity, PagePool, SequencePages } from "../src/index.ts";
import { FakeMemory } from "./fake-memory.ts";

const pageTokens = 3;
const slots = fc.integer({ min: 1, max: 40 });
const flags = fc.array(fc.boolean(), { minLength: 40, maxLength: 40 });
/** Which slots stay: scattered ones, or runs of pages, where pages are linked instead of copied. */
const keepFlags = fc.oneof(
  flags,
  flags.map((pages) => Array.from({ length: 40 }, (_, i) => pages[Math.floor(i / pageTokens)]!)),
);

const ascending = (count: number, kept: readonly boolean[]) =>
  Int32Array.from(Array.from({ length: count }, (_, i) => i).filter((i) => kept[i]));

function filled(count: number) {
  const pool = new PagePool({ pages: 60 });
  const memory = new FakeMemory(pool, pageTokens);
  const sequence = new SequencePages({ pool, kvLayers: 1, kvHeads: 1, pageTokens });
  memory.append(sequence, (_layer, _head, i) => i, count);
  return { pool, memory, sequence };
}

it("an unshared head keeps the right slots, needs no free page and frees exactly the difference", () => {
  fc.assert(
    fc.property(slots, keepFlags, (count, kept) => {
      const { pool, memory, sequence } = filled(count);
      const expected = ascending(count, kept);
      pool.allocate(pool.freePages);
      memory.compact(sequence.keep(0, 0, expected));
      sequence.commit();
      expect(memory.read(sequence.pages(0, 0), expected.length)).toEqual([...expected]);
      expect(pool.freePages).toBe(Math.ceil(count / pageTokens) - Math.ceil(expected.length / pageTokens));
    }),
    { numRuns: 500 },
  );
});

it("heads that share pages are evicted from one after another, and none sees the other", () => {
  fc.assert(
    fc.property(
      slots,
      slots,
      fc.array(keepFlags, { minLength: 3, maxLength: 3 }),
      fc.boolean(),
      (count, extra, kept, rewrite) => {
        const { pool, memory, sequence } = filled(count);
        const forks = [sequence, sequence.fork(), sequence.fork()];
        const contents = forks.map(() => Array.from({ length: count }, (_, i) => i));
        const checkAll = () => {
          forks.forEach((fork, i) => {
            expect(memory.read(fork.pages(0, 0), contents[i]!.length)).toEqual(contents[i]);
          });
          checkIntegrity({ pool, sequences: forks });
        };
        forks.forEach((fork, i) => {
          memory.append(fork, (_layer, _head, j) => 1000 * i + j, extra);
          contents[i]!.push(...Array.from({ length: extra }, (_, j) => 1000 * i + j));
          checkAll();
          const slotsKept = ascending(count, kept[i]!);
          const most = fork.pagesNeededToKeep(0, 0, slotsKept.length);
          const free = pool.freePages;
          memory.compact(fork.keep(0, 0, slotsKept, rewrite));
          expect(free - pool.freePages).toBeLessThanOrEqual(most);
          fork.commit();
          contents[i] = Array.from(slotsKept, (slot) => contents[i]![slot]!);
          checkAll();
        });
      },
    ),
    { numRuns: 200 },
  );
});
