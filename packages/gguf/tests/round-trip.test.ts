import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type GgufTensorSource, type GgufWritable, ggufBlocks, readGguf, writeGguf } from "../src/index.ts";

let folder: string;
let path: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "kvasir-gguf-"));
  path = join(folder, "file.gguf");
});
afterAll(() => rmSync(folder, { recursive: true }));

const f32 = (name: string, shape: readonly number[], ...pieces: readonly number[][]): GgufTensorSource => ({
  name,
  type: "F32",
  shape,
  data: () => pieces.map((piece) => new Uint8Array(Float32Array.from(piece).buffer)),
});

/** What the reader makes of a value that was written. */
function asRead(value: GgufWritable): unknown {
  if (typeof value !== "object" || !("type" in value)) return value;
  if (value.type === "f32") return Math.fround(Number(value.value));
  return Number.isSafeInteger(Number(value.value)) ? Number(value.value) : value.value;
}

const integer = (bits: number, signed: boolean) =>
  fc.bigInt(signed ? -(2n ** BigInt(bits - 1)) : 0n, 2n ** BigInt(signed ? bits - 1 : bits) - 1n);
const values: fc.Arbitrary<GgufWritable> = fc.oneof(
  fc.string({ unit: "grapheme" }),
  fc.boolean(),
  ...([8, 16, 32, 64] as const).flatMap((bits) => [
    integer(bits, false).map((value) => ({ type: `u${bits}` as const, value })),
    integer(bits, true).map((value) => ({ type: `i${bits}` as const, value })),
  ]),
  fc.double().map((value) => ({ type: "f32" as const, value: Math.fround(value) })),
  fc.double().map((value) => ({ type: "f64" as const, value })),
  fc.array(fc.string({ unit: "grapheme" })),
  fc.array(fc.boolean(), { minLength: 1 }),
  fc.uint8Array(),
  fc.int8Array(),
  fc.uint16Array(),
  fc.int16Array(),
  fc.uint32Array(),
  fc.int32Array(),
  fc.bigUint64Array(),
  fc.bigInt64Array(),
  fc.float32Array(),
  fc.float64Array(),
);
const tensor = fc.record({
  name: fc.oneof(fc.string({ minLength: 1, maxLength: 20 }), fc.constantFrom("__proto__", "constructor")),
  type: fc.constantFrom(...(Object.keys(ggufBlocks) as (keyof typeof ggufBlocks)[])),
  outer: fc.array(fc.integer({ min: 1, max: 3 }), { maxLength: 3 }),
  blocks: fc.integer({ min: 1, max: 3 }),
});

describe("a file", () => {
  it("reads back as it was written", async () => {
    const content = fc.record({
      metadata: fc.uniqueArray(fc.tuple(fc.oneof(fc.string(), fc.constant("__proto__")), values), {
        selector: ([key]) => key,
        maxLength: 8,
      }),
      alignment: fc.option(fc.constantFrom(1, 8, 32, 4096), { nil: undefined }),
      tensors: fc.uniqueArray(tensor, { selector: ({ name }) => name, maxLength: 6 }),
    });
    await fc.assert(
      fc.asyncProperty(content, async ({ metadata, alignment, tensors }) => {
        const entries: [string, GgufWritable][] = metadata.filter(([key]) => key !== "general.alignment");
        if (alignment) entries.push(["general.alignment", { type: "u32", value: alignment }]);
        const sources = tensors.map(({ name, type, outer, blocks }, i) => {
          const shape = [...outer, blocks * ggufBlocks[type].values];
          const bytes = outer.reduce((product, size) => product * size, blocks * ggufBlocks[type].bytes);
          const half = new Uint8Array(bytes >> 1).fill(i + 1);
          return {
            name,
            type,
            shape,
            bytes,
            data: () => [half, new Uint8Array(bytes - half.length).fill(i + 1)],
          };
        });
        await writeGguf(path, { metadata: entries, tensors: sources });
        const file = await readGguf(path);
        expect([file.path, file.size, file.version]).toEqual([path, statSync(path).size, 3]);
        expect([...file.metadata]).toEqual(entries.map(([key, value]) => [key, asRead(value)]));
        expect([...file.tensors.values()]).toMatchObject(
          sources.map(({ name, type, shape, bytes }) => ({ name, type, shape, bytes })),
        );
        const content = readFileSync(path);
        for (const [i, { offset, bytes }] of [...file.tensors.values()].entries()) {
          expect(offset % (alignment ?? 32)).toBe(0);
          expect(content.subarray(offset, offset + bytes).every((byte) => byte === i + 1)).toBe(true);
        }
      }),
      { numRuns: 200 },
    );
  });

  it("has shapes outermost first, where the format has them innermost first", async () => {
    await writeGguf(path, { metadata: [], tensors: [f32("a", [2, 3], [1, 2, 3], [4, 5, 6])] });
    const bytes = readFileSync(path);
    expect([bytes.readBigUInt64LE(37), bytes.readBigUInt64LE(45)]).toEqual([3n, 2n]);
    const { tensors } = await readGguf(path);
    expect(tensors.get("a")).toEqual({ name: "a", type: "F32", shape: [2, 3], offset: 96, bytes: 24 });
    expect(bytes.readFloatLE(96 + 12)).toBe(4);
    // Other readers want the last tensor padded as well.
    expect(bytes.length).toBe(128);
  });

  it("may have more strings than a call may have arguments", async () => {
    const strings = Array.from({ length: 300_000 }, (_, i) => `token ${i}`);
    await writeGguf(path, { metadata: [["strings", strings]] });
    expect((await readGguf(path)).metadata.get("strings")).toEqual(strings);
  });

  it.each([true, false])(
    "lets the event loop run at least every 64 KiB (values wanted: %j)",
    async (wanted) => {
      await writeGguf(path, { metadata: [["strings", new Array(200_000).fill("a token")]] });
      let turns = 0;
      let reading = true;
      const turn = () => {
        turns++;
        if (reading) setImmediate(turn);
      };
      setImmediate(turn);
      await readGguf(path, { keys: () => wanted });
      reading = false;
      expect(turns).toBeGreaterThan(statSync(path).size / 2 ** 16 - 2);
    },
  );

  it("of version 2 is read like one of version 3", async () => {
    await writeGguf(path, { metadata: [["a", "b"]], tensors: [f32("t", [1], [1])] });
    const three = await readGguf(path);
    const bytes = readFileSync(path);
    bytes.writeUInt32LE(2, 4);
    writeFileSync(path, bytes);
    expect(await readGguf(path)).toEqual({ ...three, version: 2 });
  });

  it("gives only the keys that are wanted, whatever the others hold, and no tensors where none are", async () => {
    const metadata: [string, GgufWritable][] = [
      ["strings", ["a", "", "long".repeat(50_000)]],
      ["text", "b"],
      ["numbers", new Int32Array(100_000)],
      ["general.alignment", { type: "u32", value: 64 }],
      ["wanted", ["c"]],
      ["flag", true],
    ];
    await writeGguf(path, { metadata, tensors: [f32("t", [1], [1])] });
    const all = await readGguf(path);
    const some = await readGguf(path, { keys: (key) => key === "wanted" });
    expect([...some.metadata]).toEqual([["wanted", ["c"]]]);
    expect(some.tensors).toEqual(all.tensors);
    expect((await readGguf(path, { tensors: false })).tensors.size).toBe(0);
  });
});

describe("writing", () => {
  const partial = () => readdirSync(folder).filter((name) => name !== "file.gguf");

  it("reports bytes up to those of the file", async () => {
    const steps: number[][] = [];
    const tensors = [f32("a", [3], [1], [2, 3]), f32("b", [8], [1, 2, 3, 4, 5, 6, 7, 8])];
    await writeGguf(path, { metadata: [], tensors }, (...step) => steps.push(step));
    const total = statSync(path).size;
    expect(steps.map(([written]) => total - written!)).toEqual([64, 60, 52, 32, 0]);
    expect(new Set(steps.map(([, of]) => of))).toEqual(new Set([total]));
  });

  it("asks for a tensor's data when its turn comes, one piece at a time", async () => {
    const order: string[] = [];
    const source = (name: string): GgufTensorSource => ({
      ...f32(name, [16]),
      data: async function* () {
        for (let i = 0; i < 2; i++) {
          order.push(`${name}${i}`);
          yield new Uint8Array(32);
        }
      },
    });
    await writeGguf(path, { metadata: [], tensors: [source("a"), source("b")] }, () => order.push("|"));
    expect(order.join(" ")).toBe("| a0 | a1 | b0 | b1 |");
  });

  it.each<[string, () => Iterable<Uint8Array>, RegExp | string]>([
    ["yields too little", () => [new Uint8Array(7)], /tensor "t": expected 8 bytes of data, received 7/],
    [
      "yields too much",
      () => [new Uint8Array(8), new Uint8Array(1)],
      /expected 8 bytes of data, received more/,
    ],
    ["yields something else", () => ["12345678"] as unknown as Uint8Array[], /pieces of Uint8Array/],
    [
      "fails",
      () => {
        throw new RangeError("no data today");
      },
      "no data today",
    ],
  ])("leaves the file that was there, and no other, where a tensor %s", async (_, data, message) => {
    writeFileSync(path, "before");
    const tensors = [f32("first", [2], [1, 2]), { ...f32("t", [2]), data }];
    await expect(writeGguf(path, { metadata: [], tensors })).rejects.toThrow(message);
    expect(readFileSync(path, "utf8")).toBe("before");
    expect(partial()).toEqual([]);
  });

  const t = f32("t", [2], [1, 2]);
  const bad = (value: unknown) => value as never;
  it.each<[string, [string, GgufWritable][], GgufTensorSource[], object]>([
    ["a bare number", [["k", bad(7)]], [], { key: "k" }],
    ["null", [["k", bad(null)]], [], { key: "k" }],
    ["an unknown type", [["k", bad({ type: "u4", value: 7 })]], [], { key: "k" }],
    ["an integer out of range", [["k", { type: "u8", value: 256 }]], [], { key: "k" }],
    ["a negative unsigned integer", [["k", { type: "u64", value: -1n }]], [], { key: "k" }],
    ["half an integer", [["k", { type: "i32", value: 0.5 }]], [], { key: "k" }],
    ["an inexact integer", [["k", { type: "u64", value: 2 ** 60 }]], [], { key: "k" }],
    ["a number beyond f32", [["k", { type: "f32", value: 1e300 }]], [], { key: "k" }],
    ["half a character", [["k", "\ud83e"]], [], { key: "k" }],
    ["strings and a number", [["k", bad(["a", 1])]], [], { key: "k" }],
    ["booleans and a string", [["k", bad([true, "a"])]], [], { key: "k" }],
    ["a long key", [["k".repeat(65536), "v"]], [], {}],
    [
      "a key twice",
      [
        ["k", "v"],
        ["k", "w"],
      ],
      [],
      { key: "k" },
    ],
    [
      "an alignment of 3",
      [["general.alignment", { type: "u32", value: 3 }]],
      [],
      { key: "general.alignment" },
    ],
    [
      "an alignment in u64",
      [["general.alignment", { type: "u64", value: 8 }]],
      [],
      { key: "general.alignment" },
    ],
    ["a tensor twice", [], [t, t], { tensor: "t" }],
    ["no name", [], [{ ...t, name: "" }], { tensor: "" }],
    ["a long name", [], [{ ...t, name: "é".repeat(129) }], {}],
    ["an unknown tensor type", [], [{ ...t, type: bad("Q9_9") }], { tensor: "t" }],
    ["no dimension", [], [{ ...t, shape: [] }], { tensor: "t" }],
    ["five dimensions", [], [{ ...t, shape: [1, 1, 1, 1, 2] }], { tensor: "t" }],
    ["an empty dimension", [], [{ ...t, shape: [0, 2] }], { tensor: "t" }],
    ["part of a block", [], [{ ...t, type: "Q4_K", shape: [2, 128] }], { tensor: "t" }],
    ["too many values", [], [{ ...t, shape: [2 ** 27, 2 ** 27] }], { tensor: "t" }],
    ["data that are no function", [], [{ ...t, data: bad(new Uint8Array(8)) }], { tensor: "t" }],
  ])("refuses %s and writes nothing", async (_, metadata, tensors, place) => {
    rmSync(path, { force: true });
    const error = await writeGguf(path, { metadata, tensors }).catch((error) => error);
    expect(error).toMatchObject({ name: "GgufError", code: "invalid-argument", path, ...place });
    expect(readdirSync(folder)).toEqual([]);
  });

  it("into a folder that is not there, or over one that is, is a typed error", async () => {
    const lost = join(folder, "gone", "file.gguf");
    await expect(writeGguf(lost, { metadata: [] })).rejects.toMatchObject({ code: "not-found", path: lost });
    await expect(writeGguf(folder, { metadata: [] })).rejects.toMatchObject({ code: "io", path: folder });
    const under = join(import.meta.filename, "file.gguf");
    await expect(writeGguf(under, { metadata: [] })).rejects.toMatchObject({
      code: "not-found",
      path: under,
    });
    expect(partial()).toEqual([]);
  });
});
