import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { GgufError, readGguf } from "@kvasir/gguf";
import {
  blockFormat,
  cpuLevels,
  type Device,
  isQuantDType,
  openDevice,
  type WeightDType,
} from "@kvasir/kernels";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ggufFiles, hostileGgufPiece, u64 } from "../../../.vitest/gguf-pieces.ts";
import { hostileNumbers, memoryOf, mutated, type Pieces, Random } from "../../../.vitest/mutations.ts";
import { CheckpointError } from "../src/checkpoint/checkpoint-error.ts";
import { encodeSafetensors, f32, halves } from "../src/checkpoint/encode-safetensors.ts";
import { kernelDType } from "../src/checkpoint/safetensors-dtype.ts";
import { openSafetensors } from "../src/checkpoint/safetensors-file.ts";

/** How many files of each kind to damage, and where to begin; `kernels/fuzz-headers` sets more. */
const files = Number(process.env.KVASIR_FUZZ ?? 1500);
const seed = Number(process.env.KVASIR_FUZZ_SEED ?? 1);
/** A binary that was asked for must load. */
const backend = process.env.KVASIR_NATIVE || cpuLevels().length > 0 ? "native" : "interpreter";

let folder: string;
let path: string;
let device: Device;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "kvasir-fuzz-"));
  path = join(folder, "damaged");
  device = openDevice({ backend, threads: 1 });
});
afterAll(() => {
  device.dispose();
  rmSync(folder, { recursive: true });
});

/** A tensor as a device takes it; `dtype` is undefined where it takes none of this type. */
type Found = { dtype: WeightDType | undefined; shape: readonly number[]; offset: number };

/** Maps the file, takes every tensor as a view, and lets the device read all bytes of those that it can pack. */
async function takeAll(tensors: readonly Found[]): Promise<void> {
  using file = await device.mapFile(path);
  for (const { dtype, shape, offset } of tensors) {
    if (dtype === undefined || shape.length < 1 || shape.length > 2 || shape.includes(0)) continue;
    if (isQuantDType(dtype) && shape.length !== 2) continue;
    using view = file.tensor(dtype, shape, offset);
    if (isQuantDType(dtype)) (await device.pack(view)).dispose();
    else if (shape.length === 2 && shape[1]! % 32 === 0) (await device.pack(view, "q8_0")).dispose();
  }
}

/** Reads a damaged file and everything in it: the code of the error, or `sound`. */
async function outcomeOf(
  bytes: Buffer,
  where: string,
  read: () => Promise<readonly Found[]>,
): Promise<string> {
  writeFileSync(path, bytes);
  let outcome = "sound";
  let found: readonly Found[] = [];
  const { heap, buffers } = await memoryOf(async () => {
    try {
      found = await read();
    } catch (error) {
      if (!(error instanceof GgufError || error instanceof CheckpointError)) {
        throw new Error(where, { cause: error });
      }
      outcome = error.code;
    }
  });
  expect(buffers, `bytes taken by ${where}, which has ${bytes.length}`).toBeLessThan(
    10 * bytes.length + 2 ** 16,
  );
  expect(heap, `bytes taken by ${where}, which has ${bytes.length}`).toBeLessThan(2 ** 22);
  // Outside of the try: what was read without complaint must be what a device takes.
  await takeAll(found);
  return outcome;
}

function report(kind: string, outcomes: readonly string[], common: readonly string[]): void {
  const counts = new Map<string, number>();
  for (const outcome of outcomes) counts.set(outcome, (counts.get(outcome) ?? 0) + 1);
  // Damage that never gets past the first check would test nothing.
  for (const outcome of common) expect((counts.get(outcome) ?? 0) / files, outcome).toBeGreaterThan(0.02);
  if (process.env.KVASIR_FUZZ)
    console.log(`${kind}, ${backend}, of ${files} files:`, Object.fromEntries(counts));
}

const timeout = 60_000 + files * 50;

describe(`${files} damaged files give a typed error, or tensors that the ${backend} device takes`, () => {
  it(
    "GGUF",
    async () => {
      const outcomes: string[] = [];
      for (let i = 0; i < files; i++) {
        const random = new Random(seed * 2_000_003 + i);
        const [first, second] = random.next(2) === 0 ? ggufFiles : ggufFiles.toReversed();
        const bytes = mutated(random, first!, second!, hostileGgufPiece);
        const read = async () => {
          const { tensors } = await readGguf(path, { keys: (key) => key !== "nested" });
          return [...tensors.values()].map(({ type, shape, offset }) => {
            const dtype = type.toLowerCase();
            return { dtype: isWeightDType(dtype) ? dtype : undefined, shape, offset };
          });
        };
        outcomes.push(await outcomeOf(bytes, `GGUF file ${i} of seed ${seed}`, read));
      }
      report("GGUF", outcomes, ["sound", "truncated", "invalid-metadata", "invalid-tensor"]);
    },
    timeout,
  );

  it(
    "safetensors",
    async () => {
      const outcomes: string[] = [];
      for (let i = 0; i < files; i++) {
        const random = new Random(seed * 3_000_017 + i);
        const bytes = damagedSafetensors(random);
        const read = async () => {
          const { tensors, dataOffset } = await openSafetensors(path);
          return [...tensors.values()].map(({ dtype, shape, begin }) => {
            return { dtype: kernelDType(dtype), shape, offset: dataOffset + begin };
          });
        };
        outcomes.push(await outcomeOf(bytes, `safetensors file ${i} of seed ${seed}`, read));
      }
      report("safetensors", outcomes, ["sound", "corrupt"]);
    },
    timeout,
  );
});

function isWeightDType(name: string): name is WeightDType {
  return Object.hasOwn(blockFormat, name);
}

/** A header in its tokens, and the data behind it. */
function inPieces(file: Buffer): { header: Pieces; data: Buffer } {
  const end = 8 + Number(file.readBigUInt64LE());
  const tokens = file.toString("utf8", 8, end).match(/"(?:[^"\\]|\\.)*"|\d+|[\s\S]/g)!;
  return { header: tokens.map((token) => Buffer.from(token)), data: file.subarray(end) };
}

const soundFiles = [
  encodeSafetensors({
    embed: f32([5, 32], new Array(160).fill(1)),
    norm: halves("BF16", [8], new Array(8).fill(0x3f80)),
    "é\n\u{1f999}": halves("F16", [2, 2, 2], new Array(8).fill(0x3c00)),
    none: { dtype: "I64", shape: [0, 7], data: new Uint8Array(0) },
  }),
  encodeSafetensors({
    weight: halves("BF16", [2, 64], new Array(128).fill(0x3f80)),
    scale: f32([], [1]),
    mask: { dtype: "BOOL", shape: [3], data: new Uint8Array(3) },
  }),
].map(inPieces);

const hostileTokens = [
  ...[
    '"',
    "\\",
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    "-1",
    "1e3",
    "0.5",
    "null",
    "true",
    "\ufeff",
    "\u0000",
    '"\\u0041"',
  ],
  ...['"__proto__"', '"__metadata__"', '"F32"', '"F4"', '"shape"', '"data_offsets"', '"dtype"', "[0,4]"],
  ...["[".repeat(1000), " ".repeat(1000), `"${"a".repeat(5000)}"`, "9".repeat(400)],
];

function hostileJsonPiece(random: Random, piece: Buffer): Buffer {
  const isNumber = /^\d+$/.test(piece.toString());
  if (isNumber && random.next(4) > 0) {
    const number = random.next(2) === 0 ? BigInt(random.next(64)) : random.pick(hostileNumbers);
    return Buffer.from(String(number));
  }
  return Buffer.from(random.pick(hostileTokens));
}

function damagedSafetensors(random: Random): Buffer {
  const [first, second] = random.next(2) === 0 ? soundFiles : soundFiles.toReversed();
  const length = (header: Pieces) => u64(header.reduce((bytes, piece) => bytes + piece.length, 0));
  if (random.next(2) === 0) {
    const whole = [length(first!.header), ...first!.header, first!.data];
    return mutated(random, whole, second!.header, hostileJsonPiece);
  }
  // With a length that is right for once, so that the parser gets to see the rest.
  const header = mutated(random, first!.header, second!.header, hostileJsonPiece);
  return Buffer.concat([u64(header.length), header, first!.data]);
}
