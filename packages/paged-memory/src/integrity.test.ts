import { describe, expect, it } from "vitest";
import { IntegrityError } from "./errors.ts";
import { checkIntegrity } from "./integrity.ts";
import { PagePool } from "./page-pool.ts";
import { RadixPrefixTree } from "./radix-prefix-tree.ts";
import { SequencePages } from "./sequence-pages.ts";

function setUp() {
  const pool = new PagePool({ pages: 10 });
  const sequence = new SequencePages({ pool, kvLayers: 1, kvHeads: 2, pageTokens: 2 });
  const tree = new RadixPrefixTree({ pool, pageTokens: 2, blockPages: 2 });
  sequence.append(4);
  tree.insert("", [1, 2], [sequence.block(0)]);
  return { pool, sequence, tree };
}

describe("checkIntegrity", () => {
  it("counts pages as free, owned by a sequence, or cached alone", () => {
    const { pool, sequence, tree } = setUp();
    expect(checkIntegrity({ pool, sequences: [sequence], trees: [tree] })).toEqual({
      free: 6,
      owned: 4,
      cached: 0,
      total: 10,
    });
    sequence.dispose();
    expect(checkIntegrity({ pool, sequences: [], trees: [tree] })).toEqual({
      free: 8,
      owned: 0,
      cached: 2,
      total: 10,
    });
  });

  it("names a page that was leaked", () => {
    const { pool, sequence, tree } = setUp();
    const leaked = pool.allocateOne();
    const check = () => checkIntegrity({ pool, sequences: [sequence], trees: [tree] });
    expect(check).toThrow(IntegrityError);
    expect(check).toThrow(`page ${leaked} has a count of 1 and 0 owners`);
  });

  it("names a page that was released behind its owner's back", () => {
    const { pool, sequence, tree } = setUp();
    const page = sequence.pages(0, 1)[1]!;
    pool.release(page);
    expect(() => checkIntegrity({ pool, sequences: [sequence], trees: [tree] })).toThrow(
      `page ${page} has a count of 0 and 1 owners`,
    );
  });
});
