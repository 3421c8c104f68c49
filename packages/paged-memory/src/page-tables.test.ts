import { expect, it } from "vitest";
import { PagePool } from "./page-pool.ts";
import { PageTables } from "./page-tables.ts";
import { SequencePages } from "./sequence-pages.ts";

it("lists lengths and page ids of every head, sequence by sequence, and can be used again", () => {
  const pool = new PagePool({ pages: 1000 });
  const sequences = [5, 200, 1].map((tokens) => {
    const sequence = new SequencePages({ pool, kvLayers: 2, kvHeads: 3, pageTokens: 4 });
    sequence.append(tokens);
    return sequence;
  });
  sequences[1]!.keep(1, 2, Int32Array.of(7, 190));
  sequences[1]!.commit();

  const tables = new PageTables();
  for (const batch of [sequences, sequences.slice(1), []]) {
    tables.clear();
    for (const sequence of batch) tables.add(sequence);
    let index = 0;
    for (const sequence of batch) {
      for (const layer of [0, 1]) {
        for (const head of [0, 1, 2]) {
          const pages = sequence.pages(layer, head);
          const start = tables.starts[index]!;
          expect(tables.resident[index]).toBe(sequence.resident(layer, head));
          expect(tables.pages.slice(start, start + pages.length)).toEqual(pages);
          index += 1;
        }
      }
    }
    expect(tables.resident).toHaveLength(index);
    expect(tables.pages).toHaveLength(batch.reduce((sum, sequence) => sum + sequence.pageCount, 0));
  }
});

it("refuses buffers without room", () => {
  const pool = new PagePool({ pages: 10 });
  const sequence = new SequencePages({ pool, kvLayers: 1, kvHeads: 2, pageTokens: 4 });
  sequence.append(8);
  expect(() => sequence.tablesInto(new Int32Array(4), 1, new Int32Array(2), 0)).toThrow("pages");
  expect(() => sequence.tablesInto(new Int32Array(4), 0, new Int32Array(2), 1)).toThrow("starts");
});
