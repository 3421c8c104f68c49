import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { CheckpointError } from "./checkpoint-error.ts";
import { encodeSafetensors, f32, type Header, halves } from "./encode-safetensors.ts";
import { parseSafetensorsHeader } from "./safetensors-header.ts";

const parse = (text: string | Uint8Array, dataBytes: number) =>
  parseSafetensorsHeader(typeof text === "string" ? Buffer.from(text) : text, dataBytes, "x.safetensors");

async function reasonOf(text: string | Uint8Array, dataBytes: number): Promise<string> {
  const error = await parse(text, dataBytes).then(
    () => undefined,
    (error) => error,
  );
  expect(error).toBeInstanceOf(CheckpointError);
  expect(error).toMatchObject({ code: "corrupt", path: "x.safetensors" });
  return error.message;
}

const entry = (dtype: string, shape: number[], begin: number, end: number) =>
  JSON.stringify({ dtype, shape, data_offsets: [begin, end] });

it("reads tensors of every rank, empty ones, escaped names, any order and trailing spaces", async () => {
  const header = `{"b\\u0022":${entry("BF16", [2, 3], 4, 16)}, "a":${entry("F32", [], 0, 4)},
    "__metadata__":{"k":"v \\n"}, "none":${entry("I64", [0, 7], 16, 16)}}   `;
  const tensors = await parse(header, 16);
  expect([...tensors]).toEqual([
    ['b"', { dtype: "BF16", shape: [2, 3], begin: 4, end: 16 }],
    ["a", { dtype: "F32", shape: [], begin: 0, end: 4 }],
    ["none", { dtype: "I64", shape: [0, 7], begin: 16, end: 16 }],
  ]);
});

it("reads a header without tensors", async () => {
  expect((await parse("{}", 0)).size).toBe(0);
  expect((await parse('{"__metadata__":{}}', 0)).size).toBe(0);
});

it("__proto__ is a name like any other", async () => {
  const tensors = await parse(`{"__proto__":${entry("U8", [1], 0, 1)}}`, 1);
  expect([...tensors.keys()]).toEqual(["__proto__"]);
});

describe("refuses as corrupt", () => {
  const one = entry("F32", [1], 0, 4);
  it.each([
    ["nothing", "", 0, "at its start"],
    ["a space before the brace", ` {"a":${one}}`, 4, "at its start"],
    ["a list", "[]", 0, "at its start"],
    ["an unfinished header", `{"a":${one}`, 4, 'expected "}"'],
    ["text after it", `{"a":${one}} x`, 4, "expected its end"],
    ["a trailing comma", `{"a":${one},}`, 4, 'expected """'],
    ["deep nesting", `{"a":${"[".repeat(100_000)}`, 4, 'expected "{"'],
    ["a tensor that is a string", '{"a":"F32"}', 4, 'expected "{"'],
    ["a tensor named twice", `{"a":${one},"a":${entry("F32", [1], 4, 8)}}`, 8, 'names tensor "a" twice'],
    ["metadata twice", '{"__metadata__":{},"__metadata__":{}}', 0, "__metadata__ twice"],
    ["metadata that is not text", '{"__metadata__":{"a":1}}', 0, 'expected """'],
    ["a key twice", '{"a":{"dtype":"F32","dtype":"F32"}}', 4, 'has a key "dtype"'],
    ["an unknown key", '{"a":{"strides":[1]}}', 4, 'has a key "strides"'],
    ["no offsets", '{"a":{"dtype":"F32","shape":[1]}}', 4, "lacks a part"],
    ["one offset", '{"a":{"dtype":"F32","shape":[1],"data_offsets":[4]}}', 4, "lacks a part"],
    ["an unknown dtype", `{"a":${entry("Q4_0", [1], 0, 4)}}`, 4, 'unknown dtype "Q4_0"'],
    ["dtype toString", `{"a":${entry("toString", [1], 0, 4)}}`, 4, 'unknown dtype "toString"'],
    ["a negative size", `{"a":${entry("F32", [-1], 0, 4)}}`, 4, "non-negative whole number"],
    ["a fraction", '{"a":{"shape":[1.5]}}', 4, "non-negative whole number"],
    ["an exponent", '{"a":{"shape":[1e0]}}', 4, "non-negative whole number"],
    ["a leading zero", '{"a":{"shape":[01]}}', 4, "non-negative whole number"],
    ["2^53", '{"a":{"shape":[9007199254740992]}}', 4, "non-negative whole number"],
    [
      "a product that overflows",
      `{"a":${entry("F32", [2 ** 31, 2 ** 31, 2], 0, 4)}}`,
      4,
      "more bytes than can be counted",
    ],
    [
      "a product that wraps to the size",
      `{"a":${entry("F32", [2 ** 32, 2 ** 32, 1], 0, 0)}}`,
      0,
      "more bytes than",
    ],
    [
      "an overflow hidden by a zero",
      `{"a":${entry("F32", [2 ** 40, 2 ** 40, 0], 0, 0)}}`,
      0,
      "more bytes than",
    ],
    ["half a byte", `{"a":${entry("F4", [1], 0, 1)}}`, 1, "more bytes than"],
    ["a rank of 17", `{"a":${entry("F32", Array(17).fill(1), 0, 4)}}`, 4, "at most 16 numbers"],
    ["too few bytes", `{"a":${entry("F32", [2], 0, 4)}}`, 4, "needs 8 bytes, but data_offsets are 0 to 4"],
    ["offsets in reverse", `{"a":${entry("F32", [1], 4, 0)}}`, 4, "needs 4 bytes"],
    [
      "data outside the file",
      `{"a":${entry("F32", [2], 0, 8)}}`,
      4,
      "ends at byte 8 of the data, of which the file has 4",
    ],
    ["an overlap", `{"a":${one},"b":${entry("F32", [1], 2, 6)}}`, 6, 'tensor "b" overlaps'],
    ["the same place twice", `{"a":${one},"b":${one}}`, 4, 'tensor "b" overlaps'],
    ["a gap", `{"a":${one},"b":${entry("F32", [1], 6, 10)}}`, 10, 'tensor "b" leaves a gap'],
    ["a gap at the start", `{"a":${entry("F32", [1], 1, 5)}}`, 5, 'tensor "a" leaves a gap'],
    ["bytes after the last tensor", `{"a":${one}}`, 5, "end at byte 4 of the data, of which it has 5"],
    ["a control character in a name", `{"a\n":${one}}`, 4, "rest of a string"],
    ["a wrong escape", `{"a\\x":${one}}`, 4, "valid escapes"],
    ["a name of 5,000 characters", `{"${"a".repeat(5000)}":${one}}`, 4, "at most 4096 characters"],
  ])("%s", async (_, text, dataBytes, reason) => {
    expect(await reasonOf(text, dataBytes)).toContain(reason);
  });

  it("bytes that are not UTF-8", async () => {
    expect(await reasonOf(Uint8Array.of(0x7b, 0x22, 0xff, 0x22), 0)).toContain("not UTF-8");
  });

  it("more tensors than any model has", async () => {
    const names = Array.from({ length: 2 ** 18 + 1 }, (_, i) => `"${i}":${entry("U8", [0], 0, 0)}`);
    expect(await reasonOf(`{${names.join(",")}}`, 0)).toContain("more than 262144 tensors");
  });

  it("a hostile name without filling the log", async () => {
    const name = "\\u001b[31m".repeat(500);
    const reason = await reasonOf(`{"${name}":${entry("Q", [1], 0, 4)}}`, 4);
    expect(reason.length).toBeLessThan(1500);
    expect(reason).not.toContain("\u001b");
  });
});

it("lets the event loop run while it reads a large header", async () => {
  const names = Array.from({ length: 100_000 }, (_, i) => `"layer.${i}":${entry("U8", [1], i, i + 1)}`);
  let turns = 0;
  const timer = setInterval(() => turns++, 1);
  expect((await parse(`{${names.join(",")}}`, 100_000)).size).toBe(100_000);
  clearInterval(timer);
  expect(turns).toBeGreaterThan(1);
});

it("25,000 damaged files give a CheckpointError or tensors that lie inside the data", async () => {
  const file = encodeSafetensors({
    embed: f32([2, 3], [1, 2, 3, 4, 5, 6]),
    norm: halves("BF16", [4], [1, 2, 3, 4]),
    scale: f32([], [1]),
  });
  const headerEnd = 8 + Number(file.readBigUInt64LE(0));
  const place = fc.nat(headerEnd - 9);
  const digits = [...'0123456789{}[],:"\\ -.eE'].map((char) => char.charCodeAt(0));
  const change = fc.oneof(
    fc.record({ at: place, byte: fc.constantFrom(...digits) }),
    fc.record({ at: place, byte: fc.nat(255) }),
    fc.record({ at: place, insert: fc.constantFrom(...digits) }),
    fc.record({ at: place, remove: fc.integer({ min: 1, max: 40 }) }),
    fc.record({ at: place, repeat: fc.integer({ min: 1, max: 60 }) }),
  );
  let damaged = 0;
  let refused = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 3 }), fc.nat(40), async (changes, cut) => {
      let header = file.subarray(8, headerEnd);
      for (const { at, byte, insert, remove, repeat } of changes as {
        at: number;
        byte?: number;
        insert?: number;
        remove?: number;
        repeat?: number;
      }[]) {
        const [before, after] = [header.subarray(0, at), header.subarray(at)];
        if (byte !== undefined) header = Buffer.concat([before, Uint8Array.of(byte), after.subarray(1)]);
        else if (insert !== undefined) header = Buffer.concat([before, Uint8Array.of(insert), after]);
        else if (remove !== undefined) header = Buffer.concat([before, after.subarray(remove)]);
        else header = Buffer.concat([before, after.subarray(0, repeat), after]);
      }
      const dataBytes = cut < 20 ? file.length - headerEnd : file.length - headerEnd - cut + 20;
      damaged++;
      try {
        for (const [, { begin, end }] of await parse(header, dataBytes)) {
          expect(begin).toBeGreaterThanOrEqual(0);
          expect(end).toBeGreaterThanOrEqual(begin);
          expect(end).toBeLessThanOrEqual(dataBytes);
        }
      } catch (error) {
        if (!(error instanceof CheckpointError)) throw error;
        expect(error.code).toBe("corrupt");
        refused++;
      }
    }),
    { numRuns: 25_000 },
  );
  expect(damaged).toBe(25_000);
  expect(refused).toBeGreaterThan(15_000);
});

it("a spoiled field of any JSON value is refused or read as it stands", async () => {
  const edit = fc.record({ key: fc.constantFrom("dtype", "shape", "data_offsets"), value: fc.jsonValue() });
  await fc.assert(
    fc.asyncProperty(edit, async ({ key, value }) => {
      const spoil = (header: Header) => ({ ...header, a: { ...(header.a as object), [key]: value } });
      const file = encodeSafetensors({ a: f32([2], [1, 2]) }, spoil);
      const header = file.subarray(8, file.length - 8);
      await parse(header, 8).catch((error) => expect(error).toBeInstanceOf(CheckpointError));
    }),
    { numRuns: 2000 },
  );
});
