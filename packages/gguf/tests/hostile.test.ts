import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { u32, u64 } from "../../../.vitest/gguf-pieces.ts";
import { bytesSource } from "../src/byte-source.ts";
import { Cursor } from "../src/cursor.ts";
import { GgufError, type GgufErrorCode, readGguf } from "../src/index.ts";
import { parseGguf } from "../src/read-gguf.ts";
import { description, head, joined, text, withData } from "./hand-made.ts";

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "kvasir-gguf-"));
  path = join(folder, "hostile.gguf");
});
afterEach(() => rmSync(folder, { recursive: true }));

/** Where every hostile file must end: one typed error, with a message that fits a log. */
async function refusal(reading: Promise<unknown>): Promise<GgufError> {
  const error = await reading.then(
    () => undefined,
    (error) => error,
  );
  expect(error, String(error)).toBeInstanceOf(GgufError);
  expect(error.message.length).toBeLessThan(1000);
  return error;
}

const i32 = 5;
const bool = 7;
const string = 8;
const array = 9;

/** A file with one key, whose value stands behind the type. */
const oneKey = (type: number, ...value: readonly (Uint8Array | string)[]) =>
  joined(head(0, 1), "k", u32(type), ...value);
/** `depth` arrays of one element in each other, the innermost one of integers. */
const nested = (depth: number) =>
  joined(...Array.from({ length: depth - 1 }, () => joined(u32(array), u64(1))), u32(i32), u64(1), u32(7));
const tensors = (data: number, ...descriptions: readonly Uint8Array[]) =>
  withData(data, head(descriptions.length, 0), ...descriptions);

type Case = [name: string, code: GgufErrorCode, file: Uint8Array, place?: { key?: string; tensor?: string }];

const cases: Case[] = [
  ["nothing", "not-gguf", Buffer.alloc(0)],
  ["three bytes", "not-gguf", Buffer.from("GGU")],
  ["another format", "not-gguf", Buffer.from("GGML and what follows")],
  ["a page of an error", "not-gguf", Buffer.from("<!DOCTYPE html>")],
  ["its first letters only", "truncated", Buffer.from("GGUF")],
  ["version 1", "unsupported-version", head(0, 0, 1)],
  ["version 4", "unsupported-version", head(0, 0, 4)],
  ["the order of a big-endian machine", "unsupported-version", head(0, 0, 0x03000000)],
  ["more tensors than fit", "truncated", head(1, 0)],
  ["2^63 tensors", "truncated", head(2n ** 63n, 0)],
  ["2^64 - 1 keys", "truncated", head(0, 2n ** 64n - 1n)],
  ["2^53 keys", "truncated", head(0, 2n ** 53n)],
  ["100,000 keys, for which it has room", "limit", withData(2e6, head(0, 100_000))],
  ["100,000 tensors, for which it has room", "limit", withData(4e6, head(100_000, 0))],
  ["a key longer than the file", "truncated", joined(head(0, 1), u64(2n ** 40n), Buffer.alloc(20))],
  ["a key of 65,536 bytes", "limit", joined(head(0, 1), "k".repeat(65_536), u32(i32), u32(0))],
  [
    "a key that is not UTF-8",
    "invalid-metadata",
    joined(head(0, 1), u64(2), Buffer.of(0xc0, 0xaf), u32(i32), u32(0)),
  ],
  [
    "a key twice",
    "invalid-metadata",
    joined(head(0, 2), "k", u32(i32), u32(0), "k", u32(i32), u32(0)),
    { key: "k" },
  ],
  [
    "__proto__ twice",
    "invalid-metadata",
    joined(head(0, 2), "__proto__", u32(i32), u32(0), "__proto__", u32(i32), u32(0)),
    { key: "__proto__" },
  ],
  ["a value of an unknown type", "invalid-metadata", oneKey(13, u64(0)), { key: "k" }],
  ["an array of an unknown type", "invalid-metadata", oneKey(array, u32(99), u64(0)), { key: "k" }],
  ["a boolean of 2", "invalid-metadata", oneKey(bool, Buffer.of(2)), { key: "k" }],
  ["a value that ends early", "truncated", oneKey(i32, Buffer.of(1, 2, 3)), { key: "k" }],
  ["a text longer than the file", "truncated", oneKey(string, u64(9), Buffer.alloc(8)), { key: "k" }],
  ["a text of 2^64 - 1 bytes", "truncated", oneKey(string, u64(2n ** 64n - 1n)), { key: "k" }],
  ["half a character", "invalid-metadata", oneKey(string, u64(3), Buffer.of(0xf0, 0x9f, 0x98)), { key: "k" }],
  ["an array of more numbers than fit", "truncated", oneKey(array, u32(i32), u64(3), u64(0)), { key: "k" }],
  ["an array of 2^61 numbers of 8 bytes", "truncated", oneKey(array, u32(10), u64(2n ** 61n)), { key: "k" }],
  [
    "a million empty strings",
    "truncated",
    oneKey(array, u32(string), u64(1e6), Buffer.alloc(30)),
    { key: "k" },
  ],
  [
    "strings of which the last is long",
    "truncated",
    oneKey(array, u32(string), u64(2), "a", u64(99)),
    { key: "k" },
  ],
  ["an array of arrays where a value is wanted", "limit", oneKey(array, nested(2)), { key: "k" }],
  ["an alignment of 3", "invalid-metadata", joined(head(0, 1), "general.alignment", u32(4), u32(3))],
  ["an alignment of 0", "invalid-metadata", joined(head(0, 1), "general.alignment", u32(4), u32(0))],
  ["an alignment of 2^31", "invalid-metadata", joined(head(0, 1), "general.alignment", u32(4), u32(2 ** 31))],
  [
    "an alignment of -32",
    "invalid-metadata",
    joined(head(0, 1), "general.alignment", u32(i32), u32(2 ** 32 - 32)),
  ],
  [
    "an alignment in words",
    "invalid-metadata",
    joined(head(0, 1), "general.alignment", u32(string), "thirty-two"),
  ],
  [
    "alignments in an array",
    "invalid-metadata",
    joined(head(0, 1), "general.alignment", u32(array), u32(i32), u64(1), u32(32)),
  ],
  ["a tensor without a name", "invalid-tensor", tensors(32, description("", [1], 0, 0)), { tensor: "" }],
  ["a tensor whose name has 257 bytes", "limit", tensors(32, description("t".repeat(257), [1], 0, 0))],
  [
    "a tensor twice",
    "invalid-tensor",
    tensors(64, description("t", [1], 0, 0), description("t", [1], 0, 32)),
    { tensor: "t" },
  ],
  [
    "no dimension",
    "invalid-tensor",
    tensors(32, description("t", [], 0, 0), Buffer.alloc(8)),
    { tensor: "t" },
  ],
  [
    "five dimensions",
    "invalid-tensor",
    tensors(32, description("t", [1, 1, 1, 1, 1], 0, 0)),
    { tensor: "t" },
  ],
  ["2^32 - 1 dimensions", "invalid-tensor", tensors(32, joined("t", u32(2 ** 32 - 1), Buffer.alloc(20)))],
  ["a dimension of 0", "invalid-tensor", tensors(32, description("t", [0, 4], 0, 0)), { tensor: "t" }],
  ["a dimension of 2^64 - 1", "invalid-tensor", tensors(32, description("t", [2n ** 64n - 1n], 0, 0))],
  [
    "dimensions whose product wraps to 0",
    "invalid-tensor",
    tensors(32, description("t", [2 ** 32, 2 ** 32], 0, 0)),
  ],
  [
    "dimensions whose product wraps to 2",
    "invalid-tensor",
    tensors(32, description("t", [2 ** 33 + 2, 2n ** 62n + 1n], 0, 0)),
  ],
  ["2^53 values in fewer bytes", "invalid-tensor", tensors(32, description("t", [256, 2 ** 45], 19, 0))],
  [
    "2^53 values",
    "invalid-tensor",
    tensors(32, description("t", [2 ** 27, 2 ** 26], 24, 0)),
    { tensor: "t" },
  ],
  [
    "part of a block in a row",
    "invalid-tensor",
    tensors(32, description("t", [16, 2], 2, 0)),
    { tensor: "t" },
  ],
  ["a tensor type that was withdrawn", "unknown-tensor-type", tensors(32, description("t", [32], 4, 0))],
  ["a tensor type of 2^32 - 1", "unknown-tensor-type", tensors(32, description("t", [32], 2 ** 32 - 1, 0))],
  ["an offset of 16", "invalid-tensor", tensors(64, description("t", [1], 0, 16)), { tensor: "t" }],
  ["an offset of 2^64 - 32", "invalid-tensor", tensors(64, description("t", [1], 0, 2n ** 64n - 32n))],
  [
    "an offset at the end of the file",
    "truncated",
    tensors(64, description("t", [1], 0, 64)),
    { tensor: "t" },
  ],
  ["a tensor that ends outside", "truncated", tensors(64, description("t", [17], 0, 0)), { tensor: "t" }],
  ["a tensor of 2^52 bytes", "truncated", tensors(64, description("t", [2 ** 50], 0, 0)), { tensor: "t" }],
  [
    "two tensors in the same place",
    "invalid-tensor",
    tensors(64, description("a", [1], 0, 32), description("b", [1], 0, 32)),
    { tensor: "b" },
  ],
  [
    "a tensor inside of another",
    "invalid-tensor",
    tensors(128, description("b", [1], 0, 32), description("a", [32], 0, 0)),
    { tensor: "b" },
  ],
  ["zeros where a tensor should be", "invalid-tensor", withData(32, head(2, 0), description("t", [1], 0, 0))],
];

it.each<Case>(cases)("%s is refused", async (_, code, bytes, place = {}) => {
  writeFileSync(path, bytes);
  expect(await refusal(readGguf(path))).toMatchObject({ code, path, ...place });
});

it("tensors side by side, in any order, are no overlap", async () => {
  writeFileSync(path, tensors(96, description("b", [8], 0, 64), description("a", [16], 0, 0)));
  const { tensors: found } = await readGguf(path);
  expect([...found.values()].map(({ name, offset }) => [name, offset])).toEqual([
    ["b", 160],
    ["a", 96],
  ]);
});

it("names of the language's own objects are names like others", async () => {
  const names = ["__proto__", "constructor", "toString"];
  const keys = names.map((name) => joined(name, u32(string), name));
  const descriptions = names.map((name, i) => description(name, [1], 0, 32 * i));
  writeFileSync(path, withData(96, head(3, 3), ...keys, ...descriptions));
  const file = await readGguf(path);
  expect([...file.metadata]).toEqual(names.map((name) => [name, name]));
  expect([...file.tensors.keys()]).toEqual(names);
  expect(Object.keys(Object.prototype)).toEqual([]);
});

it("arrays of arrays are passed over, up to four deep", async () => {
  const keys = () => false;
  for (const depth of [1, 2, 4]) {
    writeFileSync(path, oneKey(array, nested(depth)));
    expect((await readGguf(path, { keys })).metadata.size).toBe(0);
  }
  for (const depth of [5, 20_000]) {
    writeFileSync(path, oneKey(array, nested(depth)));
    expect(await refusal(readGguf(path, { keys }))).toMatchObject({ code: "limit", key: "k" });
  }
});

it("a file cut short anywhere is refused, and so is one with its end missing", async () => {
  const sound = tensors(64, description("a", [4], 0, 0), description("b", [2, 4], 0, 32));
  const source = (bytes: Uint8Array) => bytesSource(bytes);
  const parse = (bytes: Uint8Array) => parseGguf(source(bytes), new Cursor(source(bytes)));
  await parse(sound);
  for (let length = 0; length < sound.length; length++) await refusal(parse(sound.subarray(0, length)));
});

describe("a file with a large hole", () => {
  /** Bytes that reading took, of a file of `size` bytes that begins with `front`. */
  async function memoryOfRefusal(front: Uint8Array, size: number): Promise<[GgufErrorCode, number]> {
    writeFileSync(path, front);
    truncateSync(path, size);
    const before = process.memoryUsage();
    const { code } = await refusal(readGguf(path));
    const after = process.memoryUsage();
    return [code, after.arrayBuffers - before.arrayBuffers];
  }

  it.each<[string, Uint8Array]>([
    ["a text of 1 GB", oneKey(string, u64(1e9))],
    ["an array of a billion bytes", oneKey(array, u32(0), u64(1e9))],
    ["an array of 100 million numbers", oneKey(array, u32(12), u64(1e8))],
    ["an array of 64 MiB and one byte", oneKey(array, u32(0), u64(2 ** 26 + 1))],
    ["a text of 16 MiB and one byte", oneKey(string, u64(2 ** 24 + 1))],
    ["strings, one of 16 MiB and one byte", oneKey(array, u32(string), u64(1), u64(2 ** 24 + 1))],
    ["a key of 1 GB", joined(head(0, 1), u64(1e9))],
    ["a tensor's name of 1 GB", joined(head(1, 0), u64(1e9))],
  ])("gets no memory for %s", async (_, front) => {
    const [code, taken] = await memoryOfRefusal(front, 2e9);
    expect(code).toBe("limit");
    expect(taken).toBeLessThan(1e6);
  });

  it("whose metadata do not end is refused at 256 MiB, and passes over what it is not asked for", async () => {
    writeFileSync(path, joined(head(0, 2), "k", u32(array), u32(string), u64(1), u64(3e8)));
    truncateSync(path, 1e9);
    expect(await refusal(readGguf(path, { keys: () => false }))).toMatchObject({ code: "limit" });
  });
});

describe("a path that is no file", () => {
  it("nothing there, or something below a file", async () => {
    expect(await refusal(readGguf(path))).toMatchObject({ code: "not-found", path });
    writeFileSync(path, "");
    expect(await refusal(readGguf(join(path, "x")))).toMatchObject({ code: "not-found" });
  });

  it("a folder, or a link to itself", async () => {
    mkdirSync(path);
    expect(await refusal(readGguf(path))).toMatchObject({ code: "io", path });
    symlinkSync(join(folder, "loop"), join(folder, "loop"));
    expect(await refusal(readGguf(join(folder, "loop")))).toMatchObject({ code: "io" });
  });

  it.skipIf(process.platform === "win32")("a pipe that nobody writes (no pipes on Windows)", async () => {
    execFileSync("mkfifo", [path]);
    expect(await refusal(readGguf(path))).toMatchObject({ code: "io", path });
  });
});

it("a message names the key or tensor, cut short", async () => {
  const name = `t${"\n".repeat(200)}`;
  writeFileSync(path, tensors(32, description(name, [0], 0, 0)));
  const error = await refusal(readGguf(path));
  expect(error.tensor).toBe(name);
  expect(error.message).toBe(
    `${path}: tensor "t${"\\n".repeat(119)}…": expected dimensions from 1 to 2^53 - 1, received 0`,
  );
  writeFileSync(path, oneKey(string, text("a"), text("b")).subarray(0, 40));
  expect((await refusal(readGguf(path))).message).toMatch(/: key "k": /);
});
