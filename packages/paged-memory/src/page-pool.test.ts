import { describe, expect, it } from "vitest";
import { InvalidArgumentError, InvalidPageError, OutOfPagesError } from "./errors.ts";
import { PagePool } from "./page-pool.ts";

describe("PagePool", () => {
  it("hands out every page once and takes them all back", () => {
    const pool = new PagePool({ pages: 4 });
    const pages = [...pool.allocate(3), pool.allocateOne()];
    expect(pages.sort()).toEqual([0, 1, 2, 3]);
    expect([pool.freePages, pool.usedPages, pool.capacity]).toEqual([0, 4, 4]);
    for (const page of pages) pool.release(page);
    expect(pool.freePages).toBe(4);
    pool.checkIntegrity();
  });

  it("throws both numbers when pages run out, and changes nothing", () => {
    const pool = new PagePool({ pages: 4 });
    pool.allocate(3);
    expect(pool.canAllocate(2)).toBe(false);
    expect(() => pool.allocate(2)).toThrowError(
      expect.objectContaining({ code: "OUT_OF_PAGES", needed: 2, free: 1 }),
    );
    expect(pool.freePages).toBe(1);
    pool.allocate(1);
    expect(() => pool.allocateOne()).toThrow(OutOfPagesError);
    pool.checkIntegrity();
  });

  it("frees a page with its last reference", () => {
    const pool = new PagePool({ pages: 2 });
    const page = pool.allocateOne();
    pool.retain(page);
    pool.release(page);
    expect([pool.references(page), pool.freePages]).toEqual([1, 1]);
    pool.release(page);
    expect([pool.references(page), pool.freePages]).toEqual([0, 2]);
  });

  it("refuses to release or retain a free page, and pages that it does not have", () => {
    const pool = new PagePool({ pages: 2 });
    const page = pool.allocateOne();
    pool.release(page);
    expect(() => pool.release(page)).toThrow(InvalidPageError);
    expect(() => pool.retain(page)).toThrow(InvalidPageError);
    for (const unknown of [-1, 2, 0.5, Number.NaN])
      expect(() => pool.release(unknown)).toThrow(InvalidPageError);
    pool.checkIntegrity();
  });

  it("tells a watcher when others come to share its pages and when the last of them goes", () => {
    const pool = new PagePool({ pages: 6 });
    const told: string[] = [];
    const watcher = (name: string) => ({
      shared: () => void told.push(`${name} shared`),
      unshared: () => void told.push(`${name} unshared`),
    });
    const [a, b] = [pool.allocate(2), pool.allocate(1)];
    const [watcherA, watcherB, watcherC] = [watcher("a"), watcher("b"), watcher("c")];
    pool.watch(a, watcherA);
    pool.watch(b, watcherB);
    for (const page of [...a, ...b]) pool.release(page);
    expect(told.splice(0)).toEqual(["a unshared", "a unshared", "b unshared"]);
    pool.retain(b[0]!);
    pool.retain(b[0]!);
    pool.release(b[0]!);
    expect(told.splice(0)).toEqual(["b shared"]);
    pool.release(b[0]!);
    expect(told.splice(0)).toEqual(["b unshared"]);
    expect([pool.unwatch(a, watcherA), pool.isWatched(a[0]!), pool.freePages]).toEqual([2, false, 5]);
    const c = pool.allocate(1);
    pool.watch(c, watcherC);
    pool.release(c[0]!);
    expect([told, pool.unwatch(b, watcherB), pool.unwatch(c, watcherC)]).toEqual([["c unshared"], 1, 1]);
    pool.checkIntegrity();
  });

  it("refuses a second watcher, or one of a free page, and changes nothing", () => {
    const pool = new PagePool({ pages: 4 });
    const watcher = { shared() {}, unshared() {} };
    const [a, b] = [pool.allocate(1), pool.allocate(1)];
    pool.watch(a, watcher);
    for (const wrong of [
      a,
      Int32Array.of(b[0]!, a[0]!),
      Int32Array.of(b[0]!, 2),
      Int32Array.of(b[0]!, b[0]!),
    ])
      expect(() => pool.watch(wrong, watcher)).toThrow(InvalidPageError);
    expect([pool.references(a[0]!), pool.references(b[0]!), pool.isWatched(b[0]!)]).toEqual([2, 1, false]);
    expect(() => pool.unwatch(b, watcher)).toThrow(InvalidPageError);
    pool.release(a[0]!);
    pool.release(a[0]!);
    expect(() => pool.checkIntegrity()).toThrow("is free and has a watcher");
  });

  it("refuses sizes that are no size", () => {
    for (const pages of [0, -1, 1.5, Number.NaN, 2 ** 31]) {
      expect(() => new PagePool({ pages })).toThrow(InvalidArgumentError);
    }
    expect(() => new PagePool({ pages: 2 }).allocate(-1)).toThrow(InvalidArgumentError);
  });
});
