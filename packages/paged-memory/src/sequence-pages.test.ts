import { describe, expect, it } from "vitest";
import { FakeMemory } from "../tests/fake-memory.ts";
import { DisposedError, InvalidArgumentError, InvalidStateError, OutOfPagesError } from "./errors.ts";
import { checkIntegrity } from "./integrity.ts";
import { PagePool } from "./page-pool.ts";
import { RadixPrefixTree } from "./radix-prefix-tree.ts";
import { SequencePages } from "./sequence-pages.ts";

const pageTokens = 4;

function setUp({ pages = 40, kvLayers = 1, kvHeads = 1 } = {}) {
  const pool = new PagePool({ pages });
  const memory = new FakeMemory(pool, pageTokens);
  const sequence = new SequencePages({ pool, kvLayers, kvHeads, pageTokens });
  return { pool, memory, sequence };
}

const positions = (start: number) => (_layer: number, _head: number, i: number) => start + i;
const range = (from: number, to: number) => Int32Array.from({ length: to - from }, (_, i) => from + i);

describe("append", () => {
  it("takes pages only as slots are used, for every head", () => {
    const { pool, sequence } = setUp({ kvLayers: 2, kvHeads: 3 });
    expect(sequence.pagesNeeded(5)).toBe(12);
    sequence.append(5);
    expect([pool.usedPages, sequence.pageCount, sequence.resident(1, 2), sequence.seen]).toEqual([
      12, 12, 5, 5,
    ]);
    expect(sequence.pagesNeeded(3)).toBe(0);
    sequence.append(3);
    sequence.append(1);
    expect(pool.usedPages).toBe(18);
    checkIntegrity({ pool, sequences: [sequence] });
  });

  it("is all or nothing when pages run out", () => {
    const { pool, sequence } = setUp({ pages: 5, kvHeads: 2 });
    sequence.append(4);
    expect(sequence.canAppend(8)).toBe(false);
    expect(() => sequence.append(8)).toThrow(OutOfPagesError);
    expect([pool.usedPages, sequence.resident(0, 1), sequence.seen]).toEqual([2, 4, 4]);
    checkIntegrity({ pool, sequences: [sequence] });
  });

  it("copies a shared page before writing to it, and only where it is partly filled", () => {
    const { pool, memory, sequence } = setUp();
    memory.append(sequence, positions(0), 6);
    const fork = sequence.fork();
    expect(fork.pagesNeeded(1)).toBe(1);
    memory.append(fork, positions(100), 1);
    memory.append(sequence, positions(200), 3);
    expect(memory.read(fork.pages(0, 0), 7)).toEqual([0, 1, 2, 3, 4, 5, 100]);
    expect(memory.read(sequence.pages(0, 0), 9)).toEqual([0, 1, 2, 3, 4, 5, 200, 201, 202]);
    expect(pool.usedPages).toBe(4);
    checkIntegrity({ pool, sequences: [sequence, fork] });
  });

  it("holds the page that a copy reads until commit", () => {
    const { pool, sequence } = setUp({ pages: 3 });
    sequence.append(2);
    const fork = sequence.fork();
    const { from, to } = fork.append(1);
    expect([from.length, to.length]).toEqual([1, 1]);
    sequence.dispose();
    expect(pool.references(from[0]!)).toBe(1);
    fork.commit();
    expect(pool.references(from[0]!)).toBe(0);
    checkIntegrity({ pool, sequences: [fork] });
  });

  it("refuses to evict, fork or give blocks away while its copies are not committed", () => {
    const { sequence } = setUp();
    sequence.append(5);
    const fork = sequence.fork();
    fork.append(1);
    expect(() => fork.keep(0, 0, range(0, 2))).toThrow(InvalidStateError);
    expect(() => fork.fork()).toThrow(InvalidStateError);
    expect(() => fork.block(0)).toThrow(InvalidStateError);
    fork.commit();
    expect(fork.block(0)).toEqual(sequence.block(0));
  });
});

describe("keep", () => {
  it("frees exactly the pages of the difference, per head, at commit", () => {
    const { pool, sequence } = setUp({ kvLayers: 2, kvHeads: 2 });
    sequence.append(30);
    const used = pool.usedPages;
    const kept = [range(3, 20), range(0, 30), range(29, 30), new Int32Array(0)];
    kept.forEach((slots, index) => {
      sequence.keep(index >> 1, index % 2, slots);
    });
    expect(pool.usedPages).toBe(used);
    sequence.commit();
    const expected = kept.reduce((sum, { length }) => sum + Math.ceil(30 / 4) - Math.ceil(length / 4), 0);
    expect(used - pool.usedPages).toBe(expected);
    expect([0, 1, 2, 3].map((i) => sequence.resident(i >> 1, i % 2))).toEqual([17, 30, 1, 0]);
    expect(sequence.seen).toBe(30);
    checkIntegrity({ pool, sequences: [sequence] });
  });

  it("lets another request in that was refused before", () => {
    const { pool, sequence } = setUp({ pages: 4 });
    sequence.append(16);
    const other = new SequencePages({ pool, kvLayers: 1, kvHeads: 1, pageTokens });
    expect(other.canAppend(8)).toBe(false);
    sequence.keep(0, 0, range(8, 16));
    sequence.commit();
    other.append(8);
    checkIntegrity({ pool, sequences: [sequence, other] });
  });

  it("moves nothing when all slots are kept", () => {
    const { sequence } = setUp();
    sequence.append(10);
    const before = sequence.pages(0, 0);
    expect(sequence.keep(0, 0, range(0, 10)).keep).toHaveLength(0);
    expect(sequence.pages(0, 0)).toEqual(before);
    expect(sequence.intactTokens).toBe(10);
  });

  it("moves only the page of the sinks when a window slides by a page", () => {
    const { memory, sequence } = setUp();
    memory.append(sequence, positions(0), 32);
    const plan = sequence.keep(0, 0, Int32Array.from([0, 1, ...range(6, 32)]));
    expect([...plan.keep]).toEqual([0, 1, 6, 7]);
    memory.compact(plan);
    sequence.commit();
    expect(memory.read(sequence.pages(0, 0), 28)).toEqual([0, 1, ...range(6, 32)]);
  });

  it("never writes to a shared page, and keeps sharing the part that stays", () => {
    const { pool, memory, sequence } = setUp();
    memory.append(sequence, positions(0), 16);
    const fork = sequence.fork();
    memory.compact(fork.keep(0, 0, Int32Array.from([0, 1, 2, 3, 5, 9, 10, 15])));
    fork.commit();
    expect(memory.read(sequence.pages(0, 0), 16)).toEqual([...range(0, 16)]);
    expect(memory.read(fork.pages(0, 0), 8)).toEqual([0, 1, 2, 3, 5, 9, 10, 15]);
    expect([pool.usedPages, fork.intactTokens]).toEqual([5, 4]);
    checkIntegrity({ pool, sequences: [sequence, fork] });
  });

  it("names every slot and leaves every page in its place when what is kept is to be rewritten", () => {
    const { pool, memory, sequence } = setUp();
    memory.append(sequence, positions(0), 20);
    const before = sequence.pages(0, 0);
    const kept = Int32Array.from([...range(0, 4), ...range(8, 14), 19]);
    const plan = sequence.keep(0, 0, kept, true);
    expect(plan.keep).toEqual(kept);
    expect(plan.destinationPages).toEqual(before.subarray(0, 3));
    memory.compact(plan);
    sequence.commit();
    expect(memory.read(sequence.pages(0, 0), 11)).toEqual([...kept]);
    expect([pool.usedPages, sequence.intactTokens]).toEqual([3, 0]);
    checkIntegrity({ pool, sequences: [sequence] });
  });

  it("rewrites copies of shared pages", () => {
    const { pool, memory, sequence } = setUp();
    memory.append(sequence, positions(0), 16);
    const fork = sequence.fork();
    const plan = fork.keep(0, 0, range(0, 8), true);
    expect(plan.destinationPages.some((page) => plan.sourcePages.includes(page))).toBe(false);
    memory.compact(plan);
    fork.commit();
    expect(memory.read(sequence.pages(0, 0), 16)).toEqual([...range(0, 16)]);
    expect(memory.read(fork.pages(0, 0), 8)).toEqual([...range(0, 8)]);
    checkIntegrity({ pool, sequences: [sequence, fork] });
  });

  it("says how many pages it takes at most, none where no page is shared", () => {
    const { pool, memory, sequence } = setUp();
    memory.append(sequence, positions(0), 10);
    expect(sequence.pagesNeededToKeep(0, 0, 7)).toBe(0);
    const fork = sequence.fork();
    memory.append(fork, positions(10), 10);
    expect([0, 3, 7, 20].map((slots) => fork.pagesNeededToKeep(0, 0, slots))).toEqual([0, 1, 2, 0]);
    expect(fork.pagesNeededToKeep(0, 0, 19)).toBe(2);
    const used = pool.usedPages;
    memory.compact(fork.keep(0, 0, range(1, 20)));
    expect(pool.usedPages - used).toBe(2);
    expect(() => fork.pagesNeededToKeep(0, 0, 20)).toThrow(InvalidArgumentError);
    expect(() => fork.pagesNeededToKeep(0, 1, 1)).toThrow(InvalidArgumentError);
  });

  it("leaves a head that ends in a shared page, which the next append counts and copies", () => {
    const { pool, memory, sequence } = setUp({ kvHeads: 2 });
    memory.append(sequence, positions(0), 8);
    const fork = sequence.fork();
    fork.keep(0, 0, range(0, 6));
    fork.commit();
    expect([fork.pagesNeeded(1), fork.pagesNeeded(2), fork.pagesNeeded(3)]).toEqual([2, 2, 3]);
    const used = pool.usedPages;
    memory.append(fork, positions(100), 1);
    expect(pool.usedPages - used).toBe(2);
    expect(memory.read(fork.pages(0, 0), 7)).toEqual([0, 1, 2, 3, 4, 5, 100]);
    expect(memory.read(sequence.pages(0, 0), 8)).toEqual([...range(0, 8)]);
    checkIntegrity({ pool, sequences: [sequence, fork] });
  });

  it("throws before anything changes when shared pages cannot be replaced", () => {
    const { pool, sequence } = setUp({ pages: 2 });
    sequence.append(8);
    const fork = sequence.fork();
    expect(() => fork.keep(0, 0, range(1, 8))).toThrow(OutOfPagesError);
    expect(fork.resident(0, 0)).toBe(8);
    checkIntegrity({ pool, sequences: [sequence, fork] });
  });

  it("refuses slots that are not ascending or not there", () => {
    const { sequence } = setUp();
    sequence.append(4);
    for (const kept of [[1, 1], [2, 1], [-1], [4]]) {
      expect(() => sequence.keep(0, 0, Int32Array.from(kept))).toThrow(InvalidArgumentError);
    }
    expect(() => sequence.keep(0, 1, range(0, 1))).toThrow(InvalidArgumentError);
    expect(() => sequence.keep(1, 0, range(0, 1))).toThrow(InvalidArgumentError);
  });
});

describe("truncate", () => {
  it("undoes an append, with heads of different lengths", () => {
    const { pool, sequence } = setUp({ kvHeads: 2 });
    sequence.append(10);
    sequence.keep(0, 1, range(5, 10));
    sequence.commit();
    const before = [pool.usedPages, sequence.pages(0, 0), sequence.pages(0, 1)];
    sequence.append(7);
    sequence.truncate(7);
    expect([pool.usedPages, sequence.pages(0, 0), sequence.pages(0, 1)]).toEqual(before);
    expect([sequence.resident(0, 0), sequence.resident(0, 1), sequence.seen]).toEqual([10, 5, 10]);
    checkIntegrity({ pool, sequences: [sequence] });
  });

  it("takes back copies that were never issued", () => {
    const { pool, memory, sequence } = setUp();
    memory.append(sequence, positions(0), 6);
    const fork = sequence.fork();
    fork.append(5);
    fork.truncate(5);
    expect(fork.pages(0, 0)).toEqual(sequence.pages(0, 0));
    expect([pool.usedPages, fork.seen]).toEqual([2, 6]);
    checkIntegrity({ pool, sequences: [sequence, fork] });
  });

  it("keeps the copy when some of the appended slots stay", () => {
    const { memory, pool, sequence } = setUp();
    memory.append(sequence, positions(0), 5);
    const fork = sequence.fork();
    memory.copyPages(fork.append(3));
    memory.write(fork.pages(0, 0), 5, 55);
    fork.truncate(2);
    fork.commit();
    expect(memory.read(fork.pages(0, 0), 6)).toEqual([0, 1, 2, 3, 4, 55]);
    expect(memory.read(sequence.pages(0, 0), 5)).toEqual([0, 1, 2, 3, 4]);
    checkIntegrity({ pool, sequences: [sequence, fork] });
  });

  it("refuses more tokens than the shortest head has", () => {
    const { sequence } = setUp({ kvHeads: 2 });
    sequence.append(6);
    sequence.keep(0, 0, range(4, 6));
    expect(() => sequence.truncate(3)).toThrow(InvalidArgumentError);
  });
});

describe("share and block", () => {
  it("start a sequence with the blocks of another one, up to the middle of the last", () => {
    const { pool, memory, sequence } = setUp({ kvHeads: 2 });
    const perHead = (_layer: number, head: number, i: number) => head * 100 + i;
    memory.append(sequence, perHead, 12);
    const other = new SequencePages({ pool, kvLayers: 1, kvHeads: 2, pageTokens });
    other.share([sequence.block(0), sequence.block(1)], 7);
    expect([pool.usedPages, other.seen, other.intactTokens]).toEqual([6, 7, 7]);
    memory.append(other, (_layer, head) => head * 100 + 77, 1);
    expect(memory.read(other.pages(0, 1), 8)).toEqual([100, 101, 102, 103, 104, 105, 106, 177]);
    expect(memory.read(sequence.pages(0, 1), 8)).toEqual([100, 101, 102, 103, 104, 105, 106, 107]);
    expect(pool.usedPages).toBe(8);
    checkIntegrity({ pool, sequences: [sequence, other] });
  });

  it("counts the copy of a shared block that is used in part", () => {
    const { pool, memory, sequence } = setUp({ kvHeads: 2 });
    memory.append(sequence, positions(0), 8);
    const other = new SequencePages({ pool, kvLayers: 1, kvHeads: 2, pageTokens });
    other.share(sequence.intactBlocks(), 7);
    expect([other.pagesNeeded(0), other.pagesNeeded(1), other.pagesNeeded(2)]).toEqual([0, 2, 4]);
    sequence.dispose();
    expect(other.pagesNeeded(1)).toBe(0);
  });

  it("leave the pages of a sequence that is over to the tree alone", () => {
    const { pool, sequence } = setUp({ kvLayers: 2, kvHeads: 2 });
    const tree = new RadixPrefixTree({ pool, pageTokens, blockPages: 4 });
    sequence.append(14);
    sequence.keep(1, 0, Int32Array.from([...range(0, 9), 11, 13]));
    sequence.commit();
    const blocks = sequence.intactBlocks();
    expect(blocks).toEqual([sequence.block(0), sequence.block(1)]);
    tree.insert("", range(0, 8), blocks);
    expect(tree.evictablePages()).toBe(0);
    sequence.dispose();
    expect(checkIntegrity({ pool, sequences: [], trees: [tree] })).toMatchObject({ free: 32, cached: 8 });
    expect([tree.evictablePages(), tree.evict(8), pool.freePages]).toEqual([8, 8, 40]);
  });

  it("refuse what is evicted, partly filled, free or of the wrong shape", () => {
    const { pool, sequence } = setUp();
    sequence.append(10);
    expect(() => sequence.block(2)).toThrow(InvalidArgumentError);
    sequence.keep(0, 0, Int32Array.from([0, 1, 2, 3, 5, 6, 7, 8]));
    expect(sequence.block(0)).toHaveLength(1);
    expect(() => sequence.block(1)).toThrow(InvalidArgumentError);
    const other = new SequencePages({ pool, kvLayers: 1, kvHeads: 1, pageTokens });
    expect(() => other.share([sequence.block(0)], 5)).toThrow(InvalidArgumentError);
    expect(() => other.share([new Int32Array(2)], 4)).toThrow(InvalidArgumentError);
    expect(() => other.share([Int32Array.of(39)], 4)).toThrow("free");
    expect(() => sequence.share([], 0)).toThrow(InvalidStateError);
  });
});

describe("dispose", () => {
  it("gives everything back once, what is not committed included", () => {
    const { pool, sequence } = setUp();
    sequence.append(10);
    const fork = sequence.fork();
    fork.append(1);
    sequence.keep(0, 0, range(0, 1));
    fork.dispose();
    fork.dispose();
    sequence[Symbol.dispose]();
    expect(pool.freePages).toBe(40);
    expect(() => fork.append(1)).toThrow(DisposedError);
    expect(() => fork.resident(0, 0)).toThrow(DisposedError);
    checkIntegrity({ pool, sequences: [sequence, fork] });
  });
});
