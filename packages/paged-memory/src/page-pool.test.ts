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

  it("refuses sizes that are no size", () => {
    for (const pages of [0, -1, 1.5, Number.NaN, 2 ** 31]) {
      expect(() => new PagePool({ pages })).toThrow(InvalidArgumentError);
    }
    expect(() => new PagePool({ pages: 2 }).allocate(-1)).toThrow(InvalidArgumentError);
  });
});
