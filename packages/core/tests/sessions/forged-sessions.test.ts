import { open, readFile, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import fc from "fast-check";
import { afterAll, describe, expect, it } from "vitest";
import { PieceWriter } from "../../src/session/piece-writer.ts";
import { namespaceText } from "../../src/session/prefix-namespace.ts";
import { encodeHeader, type SessionHeader } from "../../src/session/session-header.ts";
import { entryBytes, namespaceBytes, tokenBytes } from "../../src/session/session-layout.ts";
import { SessionRefused } from "../../src/session/session-refused.ts";
import { SessionFolder } from "./session-folder.ts";
import { alice, format } from "./small-format.ts";
import { UsedCache } from "./used-cache.ts";

const disk = new SessionFolder();
afterAll(() => disk.remove());

type Forged = {
  readonly header: unknown;
  readonly namespaces?: number;
  readonly rows?: readonly (readonly number[])[];
  readonly tokens?: readonly (readonly number[])[];
  readonly tail?: number;
};

/** Writes what nobody honest writes, with digests that are right. */
async function forge({ header, namespaces = 1, rows = [], tokens = [], tail = 0 }: Forged): Promise<Buffer> {
  const place = path.join(disk.path, "forged.kv");
  const handle = await open(place, "w");
  try {
    const { bytes, digest } = encodeHeader(header as SessionHeader);
    await handle.appendFile(bytes);
    const writer = new PieceWriter(handle, digest);
    await writer.writeAll(Buffer.from(namespaceText(alice).repeat(namespaces), "hex"), namespaceBytes);
    const table = Buffer.alloc(rows.length * entryBytes);
    for (const [i, value] of rows.flat().entries()) table.writeUInt32LE(value, i * 4);
    await writer.writeAll(table, entryBytes);
    for (const ids of tokens) {
      await writer.writeAll(new Uint8Array(Int32Array.from(ids).buffer), tokenBytes);
      const { pageTokens, pageBytes } = format;
      await writer.writeAll(new Uint8Array((ids.length / pageTokens) * 2 * pageBytes), pageBytes);
    }
    await handle.appendFile(Buffer.alloc(tail));
  } finally {
    await handle.close();
  }
  return readFile(place).finally(() => rm(place));
}

describe("a forged session file with right digests", () => {
  const header = { kind: "cache", format, namespaces: 1, entries: 2, blocks: 3 };
  const rows = [
    [0, 0, 2],
    [0, 1, 1],
  ];
  const tokens = [
    [1, 2, 3, 4],
    [5, 6],
  ];

  it("is taken where all agrees", async () => {
    const cache = new UsedCache();
    await writeFile(disk.file, await forge({ header, rows, tokens }));
    await disk.restore(cache);
    expect(cache.prefix([1, 2, 5, 6]).tokens.length).toBe(4);
    cache.census();
  });

  const big = 2 ** 32 - 1;
  it.each<[string, Forged]>([
    ["no object", { header: null }],
    ["a list", { header: [] }],
    ["a field too few", { header: { ...header, blocks: undefined } }],
    ["a field too many", { header: { ...header, more: 1 } }],
    ["a kind that is none", { header: { ...header, kind: "dump" }, rows, tokens }],
    ["no format", { header: { ...header, format: undefined, other: 1 } }],
    ["a format with a field too many", { header: { ...header, format: { ...format, x: 1 } }, rows, tokens }],
    [
      "a format of the wrong type",
      { header: { ...header, format: { ...format, kvLayers: "2" } }, rows, tokens },
    ],
    ["no KV layer", { header: { ...header, format: { ...format, kvLayers: 0 } }, rows, tokens }],
    ["a fraction of a layer", { header: { ...header, format: { ...format, kvLayers: 1.5 } }, rows, tokens }],
    [
      "control characters",
      { header: { ...header, format: { ...format, layerMap: "\u001b[2J" } }, rows, tokens },
    ],
    [
      "a number format with spaces",
      { header: { ...header, format: { ...format, dtype: "f16 or so" } }, rows, tokens },
    ],
    ["more entries than blocks", { header: { ...header, entries: 4 }, rows, tokens }],
    ["more namespaces than entries", { header: { ...header, namespaces: 3 }, namespaces: 3, rows, tokens }],
    ["two conversations in one", { header: { ...header, kind: "session" }, rows, tokens }],
    ["negative counts", { header: { ...header, entries: -1, namespaces: -1 } }],
    ["more blocks than a pool has pages", { header: { ...header, blocks: 2 ** 31 } }],
    ["more entries than the file is long", { header: { ...header, entries: 200_000, blocks: 200_000 } }],
    [
      "more blocks than the file is long",
      {
        header: { ...header, blocks: 2 ** 29 },
        rows: [
          [0, 0, 2 ** 29 - 1],
          [0, 0, 1],
        ],
      },
    ],
    ["other blocks than the entries have", { header: { ...header, blocks: 4 }, rows, tokens }],
    ["a namespace that is none", { header, rows: [[1, 0, 2], rows[1]!], tokens }],
    ["an entry without blocks", { header: { ...header, blocks: 2 }, rows: [rows[0]!, [0, 1, 0]], tokens }],
    ["a first entry that shares blocks", { header, rows: [[0, 1, 2], rows[1]!], tokens }],
    ["an entry that shares more than there is", { header, rows: [rows[0]!, [0, 3, 1]], tokens }],
    [
      "an entry that shares more than the one before it has",
      {
        header: { ...header, entries: 3, blocks: 4 },
        rows: [...rows, [0, 3, 1]],
        tokens: [...tokens, [7, 8]],
      },
    ],
    [
      "an entry of another namespace",
      { header: { ...header, namespaces: 2 }, namespaces: 2, rows: [rows[0]!, [1, 1, 1]], tokens },
    ],
    [
      "numbers that overflow",
      {
        header,
        rows: [
          [0, 0, big],
          [0, big, big],
        ],
        tokens,
      },
    ],
    ["a token below 0", { header, rows, tokens: [tokens[0]!, [5, -1]] }],
    ["a token beyond the vocabulary", { header, rows, tokens: [tokens[0]!, [5, 100]] }],
    ["bytes behind the end", { header, rows, tokens, tail: 1 }],
  ])("is refused with %s", async (_, forged) => {
    expect((await new UsedCache().refusal(disk, await forge(forged))).reason).toBe("corrupt");
  });

  it("is refused where paths are so long that putting them back would take for ever", async () => {
    const blocks = 20_000;
    const chain = [[0, 0, blocks], ...Array.from({ length: 60_000 }, () => [0, blocks, 1])];
    const forged = await forge({
      header: { ...header, entries: chain.length, blocks: blocks + 60_000 },
      rows: chain,
    });
    expect((await new UsedCache().refusal(disk, forged)).message).toBe(
      "corrupt: the head of the file is damaged",
    );
  });

  it("is refused, or taken whole, whatever its numbers", async () => {
    const count = fc.oneof(fc.nat(4), fc.constantFrom(2 ** 16, 2 ** 31, 2 ** 53, -1, 0.5));
    const row = fc.array(fc.oneof(fc.nat(3), fc.constant(big)), { minLength: 3, maxLength: 3 });
    const ids = fc
      .array(fc.nat(6), { maxLength: 6 })
      .map((all) => all.slice(0, all.length - (all.length % 2)));
    const forged = fc.record({ namespaces: count, entries: count, blocks: count });
    await fc.assert(
      fc.asyncProperty(
        forged,
        fc.array(row, { maxLength: 3 }),
        fc.array(ids, { maxLength: 3 }),
        async (counts, table, lists) => {
          const cache = new UsedCache();
          await writeFile(
            disk.file,
            await forge({ header: { ...header, ...counts }, rows: table, tokens: lists }),
          );
          await disk.restore(cache).catch((error) => {
            expect(error).toBeInstanceOf(SessionRefused);
          });
          expect(cache.census().owned).toBe(0);
        },
      ),
      { numRuns: 300 },
    );
  });
});
