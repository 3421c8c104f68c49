import { describe, expect, it } from "vitest";
import { A, B, blockPages, C, type CreateTree, pageTokens, setUp } from "../tests/prefix-tree-set-up.ts";
import { InvalidArgumentError, InvalidHandleError } from "./errors.ts";

/** What every prefix tree must drop, in which order, and what it must keep. */
export function describePrefixTreeEviction(name: string, create: CreateTree): void {
  describe(`${name}: eviction`, () => {
    it("evicts the least recently used block first, and the end of a prompt before its start", () => {
      const { tree, store, matched } = setUp(create);
      store([...A, ...B]);
      store([...C, ...B]);
      matched(A);
      expect(tree.evict(1)).toBe(2);
      expect([matched([...A, ...B]), matched([...C, ...B])]).toEqual([[4], [8]]);
      expect(tree.evict(3)).toBe(4);
      expect([matched(A), matched([...C, ...B])]).toEqual([[0], [4]]);
    });

    it("evicts nothing where that frees no page", () => {
      const { pool, tree, newBlocks, letGo, matched } = setUp(create);
      const blocks = newBlocks(2);
      tree.insert("n", [...A, ...B], blocks);
      expect([tree.evictablePages(), tree.evict(100)]).toEqual([0, 0]);
      expect(matched([...A, ...B])).toEqual([8]);
      letGo(blocks);
      expect([tree.evictablePages(), tree.evict(100), pool.freePages]).toEqual([4, 4, 60]);
    });

    it("evicts what others hold where it is in the way of pages that nobody else holds", () => {
      const { pool, tree, newBlocks, letGo, store, matched } = setUp(create);
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

    it("evicts nothing for the sake of pages that a lock keeps", () => {
      const { tree, newBlocks, letGo, store, matched } = setUp(create);
      const blocks = newBlocks(2);
      tree.insert("n", [...A, ...B], blocks);
      letGo([blocks[0]!]);
      tree.lock(tree.match("n", A).handle);
      store(C);
      expect([tree.evictablePages(), tree.evict(100)]).toEqual([2, 2]);
      tree.checkIntegrity();
      expect([matched([...A, ...B]), matched(C)]).toEqual([[8], [0]]);
    });

    it("evicts lower priorities first, whatever was used last, until their time is over", () => {
      const { tree, store } = setUp(create);
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
      const { tree, store, matched } = setUp(create);
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
      tree.match("n", A, { priority: 90, until: 35 });
      tree.evict(0, 39);
      tree.evict(0, 30);
      expect(tree.retainedPages).toBe(2);
      tree.evict(0, 40);
      expect(tree.retainedPages).toBe(0);
    });

    it("retains the first blocks of a prompt up to its cap, and more once others are over or gone", () => {
      const { tree, store, matched } = setUp(create, { retainedPages: 5 });
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
      const { tree, store } = setUp(create);
      store([...A, ...B, ...C]);
      tree.evict(4);
      expect(tree.lost("n", [...A, ...B, ...C, ...A])).toBe(8);
      expect(tree.lost("n", [...A, ...B, 3, 3])).toBe(4);
      expect(tree.lost("n", [...A, ...C])).toBe(0);
      expect([tree.lost("other", [...A, ...B]), tree.lost("n", A), tree.lost("n", [])]).toEqual([0, 0, 0]);
      store([...A, ...B]);
      expect(tree.lost("n", [...A, ...B, ...C])).toBe(4);
      tree.evict(4);
      expect(tree.lost("n", [...A, ...B, ...C])).toBe(12);
      store([...A, ...B]);
      tree.reset();
      expect(tree.lost("n", [...A, ...B, ...C])).toBe(0);
    });

    it("remembers only the last blocks that it evicted", () => {
      const { tree, store } = setUp(create, { lostBlocks: 2 });
      store([...A, ...B, ...C]);
      tree.evict(6);
      expect(tree.lost("n", [...A, ...B, ...C])).toBe(8);
      store(B);
      tree.evict(2);
      expect([tree.lost("n", [...A, ...B, ...C]), tree.lost("n", B)]).toEqual([4, 4]);
      const none = setUp(create, { lostBlocks: 0 });
      none.store(A);
      expect([none.tree.evict(2), none.tree.lost("n", A)]).toEqual([2, 0]);
    });

    it("refuses handles of evicted blocks, of other trees, and unlocks too many", () => {
      const { pool, tree, store } = setUp(create);
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

    it("refuses times and priorities that are none, and changes nothing", () => {
      const { pool, tree, newBlocks, store } = setUp(create);
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
  });
}
