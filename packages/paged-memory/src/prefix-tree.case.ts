import { describe, expect, it } from "vitest";
import { A, B, blockPages, C, type CreateTree, pageTokens, setUp } from "../tests/prefix-tree-set-up.ts";
import { InvalidArgumentError, InvalidPageError } from "./errors.ts";

/** What every prefix tree must do. */
export function describePrefixTree(name: string, create: CreateTree): void {
  describe(name, () => {
    it("is empty at first", () => {
      const { tree } = setUp(create);
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
      const { tree, store, matched } = setUp(create);
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
      const { tree, store } = setUp(create);
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
      const { tree, store } = setUp(create);
      const { blocks } = store([...A, ...B, ...C]);
      expect(tree.match("n", [...A, 2, 2, 0, 0]).partial).toEqual({ block: blocks[1], tokens: 2 });
    });

    it("keeps namespaces apart", () => {
      const { store, matched } = setUp(create);
      store(A, "tenant 1");
      expect([matched(A, "tenant 1"), matched(A, "tenant 2"), matched([1, 1], "tenant 2")]).toEqual([
        [4],
        [0],
        [0],
      ]);
    });

    it("keeps what it has when the same tokens are stored again", () => {
      const { pool, tree, newBlocks, letGo, store } = setUp(create);
      const first = store([...A, ...B]);
      const blocks = newBlocks(3);
      expect(tree.insert("n", [...A, ...B, ...C], blocks).newBlocks).toBe(1);
      expect(tree.match("n", [...A, ...B, ...C]).blocks).toEqual([...first.blocks, blocks[2]]);
      letGo(blocks);
      expect([tree.cachedPages, pool.usedPages]).toEqual([6, 6]);
    });

    it("branches where prompts part", () => {
      const { tree, store, matched } = setUp(create);
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

    it("goes over all blocks once, in a form that rebuilds the tree", () => {
      const { pool, tree, newBlocks, letGo, store, matched } = setUp(create);
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
      const { pool, tree, newBlocks, letGo, store, matched } = setUp(create);
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
      const { tree, store } = setUp(create);
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
      const { tree, store, matched } = setUp(create);
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
      const { pool, tree, newBlocks, store, matched } = setUp(create);
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

    it("lets the empty match be locked", () => {
      const { tree, store } = setUp(create);
      const { handle } = tree.match("n", []);
      tree.lock(handle);
      store(A);
      expect([tree.lockedPages, tree.evict(1)]).toEqual([0, 2]);
      tree.unlock(handle);
    });

    it("refuses blocks that cannot be stored, and changes nothing", () => {
      const { pool, tree, newBlocks, letGo, store, matched } = setUp(create);
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

    it("refuses pages that another tree of the pool has", () => {
      const { pool, store } = setUp(create);
      const { blocks } = store(A);
      const other = create({ pool, pageTokens, blockPages });
      expect(() => other.insert("n", A, blocks)).toThrow(InvalidArgumentError);
      expect(other.cachedPages).toBe(0);
    });

    it("lists its references for the integrity check", () => {
      const { pool, tree, store } = setUp(create);
      const { blocks } = store([...A, ...B]);
      const counts = new Int32Array(pool.capacity);
      tree.countReferences(counts);
      const expected = new Int32Array(pool.capacity);
      for (const block of blocks) for (const page of block) expected[page] = 1;
      expect(counts).toEqual(expected);
    });
  });
}
