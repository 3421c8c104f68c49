import { beforeEach, describe, expect, it } from "vitest";
import { InvalidArgumentError, InvalidHandleError, InvalidPageError } from "./errors.ts";
import { PagePool } from "./page-pool.ts";
import type { PrefixRetention, PrefixTree, PrefixTreeOptions } from "./prefix-tree.ts";

const pageTokens = 4;
const blockPages = 2;
const A = [1, 1, 1, 1];
const B = [2, 2, 2, 2];
const C = [3, 3, 3, 3];

/** What every prefix tree must do. */
export function describePrefixTree(name: string, create: (options: PrefixTreeOptions) => PrefixTree): void {
  describe(name, () => {
    let pool: PagePool;
    let tree: PrefixTree;
    beforeEach(() => {
      pool = new PagePool({ pages: 60 });
      tree = create({ pool, pageTokens, blockPages });
    });

    /** Fresh blocks that the caller holds. */
    const newBlocks = (count: number) => Array.from({ length: count }, () => pool.allocate(blockPages));
    const letGo = (blocks: readonly Int32Array[]) => {
      for (const block of blocks) for (const page of block) pool.release(page);
    };
    /** Stores blocks that nobody else holds. */
    const store = (tokens: number[], namespace = "n", keep?: PrefixRetention) => {
      const blocks = newBlocks(tokens.length / pageTokens);
      const { handle } = tree.insert(namespace, tokens, blocks, keep);
      letGo(blocks);
      tree.checkIntegrity();
      return { blocks, handle };
    };
    const matched = (tokens: number[], namespace = "n") => {
      const { tokens: whole, partial } = tree.match(namespace, tokens);
      tree.checkIntegrity();
      return partial ? [whole, partial.tokens] : [whole];
    };

    it("is empty at first", () => {
      expect(tree.match("n", [1, 2, 3, 4])).toMatchObject({ tokens: 0, blocks: [] });
      expect([
        tree.cachedPages,
        tree.lockedPages,
        tree.evictablePages(),
        tree.evict(5),
        tree.reset(),
      ]).toEqual([0, 0, 0, 0, 0]);
    });

    it("finds the longest prefix of whole blocks, with the pages that were stored", () => {
      const { blocks } = store([...A, ...B, ...C]);
      expect(tree.match("n", [...A, ...B, ...C, 9])).toMatchObject({ tokens: 12, blocks });
      expect(tree.match("n", [...A, ...B, 9, 9, 9, 9])).toMatchObject({
        tokens: 8,
        blocks: blocks.slice(0, 2),
      });
      expect(matched([...B, ...A])).toEqual([0]);
      expect(tree.match("n", A).partial).toBeUndefined();
    });

    it("offers the block that begins with the tokens left over, the first in token order among equals", () => {
      const behindA = [
        [5, 6, 9, 9],
        [5, 6, 7, 9],
        [5, 6, 7, 8],
        [4, 6, 7, 8],
      ].map((end) => store([...A, ...end]).blocks[1]);
      expect(tree.match("n", [...A, 5, 6, 7, 0, 0]).partial).toEqual({ block: behindA[2], tokens: 3 });
      expect(tree.match("n", [...A, 5, 6, 9]).partial).toEqual({ block: behindA[0], tokens: 3 });
      expect(tree.match("n", [...A, 5]).partial).toEqual({ block: behindA[2], tokens: 1 });
      expect(tree.match("n", [...A, 7]).partial).toBeUndefined();
      expect(tree.match("n", [1, 1]).partial).toMatchObject({ tokens: 2 });
    });

    it("offers a block inside a longer run, too", () => {
      const { blocks } = store([...A, ...B, ...C]);
      expect(tree.match("n", [...A, 2, 2, 0, 0]).partial).toEqual({ block: blocks[1], tokens: 2 });
    });

    it("keeps namespaces apart", () => {
      store(A, "tenant 1");
      expect([matched(A, "tenant 1"), matched(A, "tenant 2"), matched([1, 1], "tenant 2")]).toEqual([
        [4],
        [0],
        [0],
      ]);
    });

    it("keeps what it has when the same tokens are stored again", () => {
      const first = store([...A, ...B]);
      const blocks = newBlocks(3);
      expect(tree.insert("n", [...A, ...B, ...C], blocks).newBlocks).toBe(1);
      expect(tree.match("n", [...A, ...B, ...C]).blocks).toEqual([...first.blocks, blocks[2]]);
      letGo(blocks);
      expect([tree.cachedPages, pool.usedPages]).toEqual([6, 6]);
    });

    it("branches where prompts part", () => {
      store([...A, ...B, ...C]);
      store([...A, ...C]);
      store([...A, ...B, ...A]);
      expect(tree.cachedPages).toBe(10);
      for (const tokens of [
        [...A, ...B, ...C],
        [...A, ...C],
        [...A, ...B, ...A],
      ])
        expect(matched(tokens)).toEqual([tokens.length]);
    });

    it("evicts the least recently used block first, and the end of a prompt before its start", () => {
      store([...A, ...B]);
      store([...C, ...B]);
      matched(A);
      expect(tree.evict(1)).toBe(2);
      expect([matched([...A, ...B]), matched([...C, ...B])]).toEqual([[4], [8]]);
      expect(tree.evict(3)).toBe(4);
      expect([matched(A), matched([...C, ...B])]).toEqual([[0], [4]]);
    });

    it("evicts nothing where that frees no page", () => {
      const blocks = newBlocks(2);
      tree.insert("n", [...A, ...B], blocks);
      expect([tree.evictablePages(), tree.evict(100)]).toEqual([0, 0]);
      expect(matched([...A, ...B])).toEqual([8]);
      letGo(blocks);
      expect([tree.evictablePages(), tree.evict(100), pool.freePages]).toEqual([4, 4, 60]);
    });

    it("evicts what others hold where it is in the way of pages that nobody else holds", () => {
      const blocks = newBlocks(3);
      tree.insert("n", [...A, ...B, ...C], blocks);
      pool.release(blocks[0]![1]!);
      letGo([blocks[2]!]);
      store(B);
      expect(tree.evictablePages()).toBe(5);
      expect(tree.evict(2)).toBe(2);
      expect(matched([...A, ...B, ...C])).toEqual([8]);
      expect(tree.evict(2)).toBe(2);
      expect([matched([...A, ...B, ...C]), matched(B)]).toEqual([[8], [0]]);
      expect(tree.evict(2)).toBe(1);
      expect([tree.cachedPages, tree.evictablePages(), pool.usedPages]).toEqual([0, 0, 3]);
    });

    it("evicts lower priorities first, whatever was used last, until their time is over", () => {
      const fill = () => {
        tree.reset();
        const [priority, until] = [90, 100];
        for (const tokens of [A, B]) store(tokens);
        tree.match("n", A, { priority, until });
        tree.match("n", B, { priority: 10, until });
        store(C);
        expect(tree.retainedPages).toBe(4);
      };
      const left = () => [A, B, C].filter((tokens) => tree.match("n", tokens).tokens > 0);
      fill();
      expect([tree.evict(1, 99), left()]).toEqual([2, [A, B]]);
      expect([tree.evict(1, 99), left()]).toEqual([2, [A]]);
      expect(tree.evictablePages()).toBe(2);
      expect([tree.evict(1, 99), left()]).toEqual([2, []]);
      fill();
      expect([tree.evict(1, 100), left()]).toEqual([2, [B, C]]);
      expect(tree.retainedPages).toBe(0);
    });

    it("counts the highest wish whose time is not over, and renews it with each use", () => {
      store([...A, ...B], "n", { priority: 50, until: 10 });
      tree.match("n", A, { priority: 20, until: 30 });
      tree.match("n", A, { priority: 10, until: 25 });
      store(C, "n", { priority: 15, until: 30 });
      tree.evict(0, 9);
      expect(tree.retainedPages).toBe(6);
      tree.evict(0, 10);
      expect(tree.retainedPages).toBe(4);
      expect([tree.evict(1), matched([...A, ...B])]).toEqual([2, [4]]);
      expect([tree.evict(1), matched(C), matched(A)]).toEqual([2, [0], [4]]);
      tree.match("n", A, { priority: 20, until: 40 });
      tree.evict(0, 39);
      tree.evict(0, 30);
      expect(tree.retainedPages).toBe(2);
      tree.evict(0, 40);
      expect(tree.retainedPages).toBe(0);
    });

    it("retains the first blocks of a prompt up to its cap, and more once others are over or gone", () => {
      tree = create({ pool, pageTokens, blockPages, retainedPages: 5 });
      store([...A, ...B, ...C], "n", { priority: 9, until: 10 });
      expect(tree.retainedPages).toBe(4);
      store(B, "n", { priority: 99, until: 20 });
      expect([tree.evict(3), matched([...A, ...B, ...C]), matched(B)]).toEqual([4, [8], [0]]);
      store(B, "n", { priority: 99, until: 20, now: 9 });
      expect(tree.retainedPages).toBe(4);
      tree.match("n", B, { priority: 99, until: 20, now: 10 });
      expect(tree.retainedPages).toBe(2);
      tree.reset();
      expect(tree.retainedPages).toBe(0);
    });

    it("tells what was evicted behind the longest cached prefix, until it is stored again", () => {
      store([...A, ...B, ...C]);
      tree.evict(4);
      expect(tree.lost("n", [...A, ...B, ...C, ...A])).toBe(8);
      expect(tree.lost("n", [...A, ...B, 3, 3])).toBe(4);
      expect(tree.lost("n", [...A, ...C])).toBe(0);
      expect([tree.lost("other", [...A, ...B]), tree.lost("n", A), tree.lost("n", [])]).toEqual([0, 0, 0]);
      store([...A, ...B]);
      expect(tree.lost("n", [...A, ...B, ...C])).toBe(4);
      tree.reset();
      expect(tree.lost("n", [...A, ...B, ...C])).toBe(0);
    });

    it("remembers only the last blocks that it evicted", () => {
      tree = create({ pool, pageTokens, blockPages, lostBlocks: 2 });
      store([...A, ...B, ...C]);
      tree.evict(6);
      expect(tree.lost("n", [...A, ...B, ...C])).toBe(8);
      store(B);
      tree.evict(2);
      expect([tree.lost("n", [...A, ...B, ...C]), tree.lost("n", B)]).toEqual([4, 4]);
      const forgetful = create({ pool, pageTokens, blockPages, lostBlocks: 0 });
      tree = forgetful;
      store(A);
      expect([tree.evict(2), tree.lost("n", A)]).toEqual([2, 0]);
    });

    it("goes over all blocks once, in a form that rebuilds the tree", () => {
      store([...A, ...B, ...C]);
      store(C, "other");
      store([...A, ...C]);
      store([...A, ...B, ...A]);
      matched([...A, ...C]);
      const entries = [...tree.entries()];
      expect(
        entries.map(({ namespace, commonTokens, tokens }) => [namespace, commonTokens, ...tokens]),
      ).toEqual([
        ["other", 0, ...C],
        ["n", 0, ...A, ...B, ...C],
        ["n", 8, ...A],
        ["n", 4, ...C],
      ]);
      const other = create({ pool, pageTokens, blockPages });
      const [tokens, blocks]: [number[], Int32Array[]] = [[], []];
      let stored = 0;
      for (const entry of entries) {
        const copies = newBlocks(entry.blocks.length);
        tokens.splice(entry.commonTokens, Number.POSITIVE_INFINITY, ...entry.tokens);
        blocks.splice(entry.commonTokens / pageTokens, Number.POSITIVE_INFINITY, ...copies);
        stored += other.insert(entry.namespace, tokens, blocks).newBlocks;
        expect(entry.handle.tokens).toBe(tokens.length);
        letGo(copies);
      }
      expect([stored, other.cachedPages]).toEqual([6, tree.cachedPages]);
      const listed = [...other.entries()].map(({ namespace, tokens }) => [namespace, ...tokens]);
      expect(listed).toEqual(entries.map(({ namespace, tokens }) => [namespace, ...tokens]));
      tree.lock(entries[1]!.handle);
      expect(tree.lockedPages).toBe(6);
    });

    it("forgets one namespace, but for what is locked", () => {
      store([...A, ...B]);
      store([...A, ...C]);
      store(A, "other");
      const held = newBlocks(1);
      tree.insert("n", C, held);
      tree.lock(tree.match("n", [...A, ...B]).handle);
      expect([tree.forget("n"), tree.forget("none")]).toEqual([2, 0]);
      tree.checkIntegrity();
      expect([matched([...A, ...B]), matched([...A, ...C]), matched(A, "other")]).toEqual([[8], [4], [4]]);
      expect([tree.cachedPages, pool.usedPages]).toEqual([6, 8]);
      letGo(held);
    });

    it("keeps locked blocks, and those in front of them, until the last unlock", () => {
      store([...A, ...B, ...C]);
      const { handle } = tree.match("n", [...A, ...B]);
      tree.lock(handle);
      tree.lock(handle);
      store([...A, ...C]);
      expect(tree.lockedPages).toBe(4);
      expect(tree.evictablePages()).toBe(4);
      expect(tree.evict(100)).toBe(4);
      tree.unlock(handle);
      expect(tree.evict(100)).toBe(0);
      tree.unlock(handle);
      expect([tree.lockedPages, tree.evict(100)]).toEqual([0, 4]);
    });

    it("keeps locks right when a later prompt parts inside the locked blocks", () => {
      const { handle } = store([...A, ...B, ...C]);
      tree.lock(handle);
      store([...A, ...C]);
      matched(A);
      expect(tree.lockedPages).toBe(6);
      tree.checkIntegrity();
      tree.unlock(handle);
      expect([tree.lockedPages, tree.evictablePages()]).toEqual([0, 8]);
    });

    it("drops everything that is not locked on reset, and leaves pages to the sequences that hold them", () => {
      const { handle } = store(A);
      store([...A, ...B]);
      const held = newBlocks(1);
      tree.insert("n", C, held);
      tree.lock(handle);
      expect(tree.reset()).toBe(2);
      tree.checkIntegrity();
      expect([tree.cachedPages, pool.usedPages]).toEqual([2, 4]);
      tree.unlock(handle);
      expect([tree.reset(), tree.cachedPages, pool.usedPages]).toEqual([1, 0, 2]);
      expect(matched(A)).toEqual([0]);
    });

    it("refuses handles of evicted blocks, of other trees, and unlocks too many", () => {
      const { handle } = store([...A, ...B]);
      expect(() => tree.unlock(handle)).toThrow(InvalidHandleError);
      tree.evict(1);
      expect(() => tree.lock(handle)).toThrow(InvalidHandleError);
      store([...A, ...B]);
      expect(() => tree.lock(handle)).toThrow(InvalidHandleError);
      const kept = tree.match("n", A).handle;
      tree.reset();
      expect(() => tree.lock(kept)).toThrow(InvalidHandleError);
      const other = create({ pool, pageTokens, blockPages }).match("n", A).handle;
      expect(() => tree.lock(other)).toThrow(InvalidHandleError);
    });

    it("lets the empty match be locked", () => {
      const { handle } = tree.match("n", []);
      tree.lock(handle);
      store(A);
      expect([tree.lockedPages, tree.evict(1)]).toEqual([0, 2]);
      tree.unlock(handle);
    });

    it("refuses blocks that cannot be stored, and changes nothing", () => {
      const { blocks } = store(A);
      const held = newBlocks(2);
      const free = pool.allocate(blockPages);
      letGo([free]);
      const refused: [number[], Int32Array[], new (...args: never[]) => Error][] = [
        [[...B, 1], held, InvalidArgumentError],
        [B, [Int32Array.of(held[0]![0]!)], InvalidArgumentError],
        [B, blocks, InvalidArgumentError],
        [[...B, ...C], [held[0]!, held[0]!], InvalidArgumentError],
        [[...B, ...C], [held[0]!, free], InvalidPageError],
        [[2, 2, 2, -1], [held[0]!], InvalidArgumentError],
        [[2, 2, 2, 0.5], [held[0]!], InvalidArgumentError],
      ];
      for (const [tokens, given, error] of refused) {
        expect(() => tree.insert("n", tokens, given)).toThrow(error);
        tree.checkIntegrity();
      }
      expect([tree.cachedPages, matched(B)]).toEqual([2, [0]]);
      letGo(held);
      expect(pool.usedPages).toBe(2);
    });

    it("refuses times and priorities that are none, and changes nothing", () => {
      store(A);
      const held = newBlocks(1);
      for (const keep of [
        { priority: 100, until: 1 },
        { priority: -1, until: 1 },
        { priority: 0.5, until: 1 },
        { priority: 1, until: Number.NaN },
        { priority: 1, until: 1, now: Number.NaN },
      ]) {
        expect(() => tree.match("n", A, keep)).toThrow(InvalidArgumentError);
        expect(() => tree.insert("n", B, held, keep)).toThrow(InvalidArgumentError);
      }
      expect(() => tree.evict(1, Number.NaN)).toThrow(InvalidArgumentError);
      expect(() => tree.evict(-1)).toThrow(InvalidArgumentError);
      expect([tree.cachedPages, tree.retainedPages]).toEqual([2, 0]);
      for (const wrong of [{ retainedPages: 61 }, { retainedPages: -1 }, { lostBlocks: -1 }])
        expect(() => create({ pool, pageTokens, blockPages, ...wrong })).toThrow(InvalidArgumentError);
    });

    it("refuses pages that another tree of the pool has", () => {
      const { blocks } = store(A);
      const other = create({ pool, pageTokens, blockPages });
      expect(() => other.insert("n", A, blocks)).toThrow(InvalidArgumentError);
      expect(other.cachedPages).toBe(0);
    });

    it("lists its references for the integrity check", () => {
      const { blocks } = store([...A, ...B]);
      const counts = new Int32Array(pool.capacity);
      tree.countReferences(counts);
      const expected = new Int32Array(pool.capacity);
      for (const block of blocks) for (const page of block) expected[page] = 1;
      expect(counts).toEqual(expected);
    });
  });
}
