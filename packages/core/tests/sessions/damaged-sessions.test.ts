import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { open, readFile, rm, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { PieceWriter } from "../../src/session/piece-writer.ts";
import { namespaceText } from "../../src/session/prefix-namespace.ts";
import { restorePrefixes } from "../../src/session/restore-prefixes.ts";
import { encodeHeader, type SessionHeader } from "../../src/session/session-header.ts";
import { entryBytes, namespaceBytes, tokenBytes } from "../../src/session/session-layout.ts";
import { SessionRefused } from "../../src/session/session-refused.ts";
import { writeSessionFile } from "../../src/session/write-session-file.ts";
import { SmallCache } from "./small-cache.ts";
import { alice, bob, format } from "./small-format.ts";

const folder = mkdtempSync(path.join(os.tmpdir(), "kvasir-sessions-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const file = path.join(folder, "damaged.kv");
const prefixes = [
  [1, 2, 3, 4, 5, 6],
  [1, 2, 7, 8],
];

/** A cache with something in it already, and what it holds. */
function used() {
  const cache = new SmallCache({ pages: 40 });
  cache.add([1, 2, 3, 3]);
  cache.add([5, 5, 5, 5], namespaceText(bob));
  const holds = () => [
    cache.census(),
    [...cache.bytes],
    cache.content([1, 2, 3, 3]),
    cache.content([5, 5, 5, 5], namespaceText(bob)),
    prefixes.map((tokens) => cache.content(tokens)[0]),
  ];
  return { cache, holds };
}

/** Tries a damaged file on `cache`: it must be refused, and leave pages, counts and prefixes as they are. */
async function refusal(
  bytes: Uint8Array,
  { cache, holds }: ReturnType<typeof used>,
): Promise<SessionRefused> {
  writeFileSync(file, bytes);
  const before = holds();
  const expected = { kind: "cache", format: cache.format } as const;
  const error = await restorePrefixes(file, expected, cache.staging()).catch((one) => one);
  expect(error).toBeInstanceOf(SessionRefused);
  // What the pages held that were free is nobody's; the tree's are compared one by one.
  expect(without(holds())).toEqual(without(before));
  return error;
}

const without = ([census, , ...content]: unknown[]) => [census, content];

describe("a damaged session file is refused and changes nothing", () => {
  let good: Buffer;
  beforeAll(async () => {
    const cache = new SmallCache();
    for (const tokens of prefixes) cache.add(tokens);
    const content = { format: cache.format, memory: cache.memory, kind: "cache" } as const;
    await writeSessionFile(file, {
      ...content,
      prefixes: [...cache.tree.entries()],
    });
    good = await readFile(file);
  });

  it.each([
    ["one bit", (byte: number) => byte ^ 1],
    ["all bits", (byte: number) => byte ^ 255],
  ])("where %s of any byte flipped", async (_, flip) => {
    const world = used();
    for (let at = 0; at < good.length; at++) {
      const bytes = Buffer.from(good);
      bytes[at] = flip(bytes[at]!);
      expect((await refusal(bytes, world)).reason, `byte ${at}`).toBe("corrupt");
    }
  });

  it("where it ends at any byte", async () => {
    const world = used();
    for (let length = 0; length < good.length; length++)
      expect((await refusal(good.subarray(0, length), world)).reason, `${length} bytes`).toBe("corrupt");
  });

  it("where bytes follow, are moved, or come from another file", async () => {
    const world = used();
    const { message } = await refusal(Buffer.concat([good, Buffer.alloc(1)]), world);
    expect(message).toBe("corrupt: the file has 1 bytes too many");
    await fc.assert(
      fc.asyncProperty(
        fc.nat(good.length - 1),
        fc.nat(good.length - 1),
        fc.integer({ min: 1, max: 64 }),
        async (from, to, length) => {
          const bytes = Buffer.from(good);
          bytes.copy(bytes, to, from, from + length);
          fc.pre(!bytes.equals(good));
          await refusal(bytes, world);
        },
      ),
    );
  });

  it("where it was never one", async () => {
    const world = used();
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), fc.boolean(), async (noise, begins) => {
        await refusal(begins ? Buffer.concat([good.subarray(0, 16), noise]) : noise, world);
      }),
    );
    const cache = new SmallCache();
    const expected = { kind: "cache", format: cache.format } as const;
    for (const place of [folder, ...(process.platform === "win32" ? [] : ["/dev/zero"])])
      await expect(restorePrefixes(place, expected, cache.staging())).rejects.toMatchObject({
        reason: "corrupt",
      });
  });

  it("and the good one is taken by the same cache afterwards", async () => {
    const { cache } = used();
    await refusal(good.subarray(1), { cache, holds: () => [] });
    await writeFile(file, good);
    await restorePrefixes(file, { kind: "cache", format: cache.format }, cache.staging());
    expect(prefixes.map((tokens) => cache.content(tokens)[0])).toEqual([6, 4]);
    cache.census();
  });
});

type Forged = {
  readonly header: unknown;
  readonly namespaces?: number;
  readonly rows?: readonly (readonly number[])[];
  readonly tokens?: readonly (readonly number[])[];
  readonly tail?: number;
};

/** Writes what nobody honest writes, with digests that are right. */
async function forge({ header, namespaces = 1, rows = [], tokens = [], tail = 0 }: Forged): Promise<Buffer> {
  const place = path.join(folder, "forged.kv");
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
    const { cache } = used();
    await writeFile(file, await forge({ header, rows, tokens }));
    await restorePrefixes(file, { kind: "cache", format }, cache.staging());
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
    expect((await refusal(await forge(forged), used())).reason).toBe("corrupt");
  });

  it("is refused where paths are so long that putting them back would take for ever", async () => {
    const blocks = 20_000;
    const chain = [[0, 0, blocks], ...Array.from({ length: 60_000 }, () => [0, blocks, 1])];
    const forged = await forge({
      header: { ...header, entries: chain.length, blocks: blocks + 60_000 },
      rows: chain,
    });
    expect((await refusal(forged, used())).message).toBe("corrupt: the head of the file is damaged");
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
          const { cache } = used();
          await writeFile(
            file,
            await forge({ header: { ...header, ...counts }, rows: table, tokens: lists }),
          );
          await restorePrefixes(file, { kind: "cache", format }, cache.staging()).catch((error) => {
            expect(error).toBeInstanceOf(SessionRefused);
          });
          expect(cache.census().owned).toBe(0);
        },
      ),
      { numRuns: 300 },
    );
  });
});
