import { expect, it } from "vitest";
import { ggufFiles, hostileGgufPiece } from "../../../.vitest/gguf-pieces.ts";
import { memoryOf, mutated, Random } from "../../../.vitest/mutations.ts";
import { bytesSource } from "../src/byte-source.ts";
import { Cursor } from "../src/cursor.ts";
import { GgufError, type GgufFile } from "../src/index.ts";
import { parseGguf } from "../src/read-gguf.ts";

/** How many files to damage, and where to begin; `kernels/fuzz-headers` sets more. */
const files = Number(process.env.KVASIR_FUZZ ?? 4000);
const seed = Number(process.env.KVASIR_FUZZ_SEED ?? 1);

/** What a reader may rely on, checked anew and plainly. */
function checkFile({ size, tensors }: GgufFile): void {
  const owner = new Uint8Array(size);
  for (const { name, shape, offset, bytes } of tensors.values()) {
    expect(Number.isSafeInteger(offset) && offset >= 0 && bytes > 0 && offset + bytes <= size, name).toBe(
      true,
    );
    expect(shape.length > 0 && shape.every((n) => Number.isSafeInteger(n) && n >= 1), name).toBe(true);
    expect(
      owner.subarray(offset, offset + bytes).every((byte) => byte === 0),
      name,
    ).toBe(true);
    owner.fill(1, offset, offset + bytes);
  }
}

it("the files that the others are made from are sound", async () => {
  for (const pieces of ggufFiles) {
    const source = bytesSource(Buffer.concat(pieces));
    const file = await parseGguf(source, new Cursor(source), { keys: (key) => key !== "nested" });
    expect(file.tensors.size).toBeGreaterThan(2);
    checkFile(file);
  }
});

it(
  `${files} damaged files give a GgufError or a sound file, and take memory in proportion to their size`,
  async () => {
    const outcomes = new Map<string, number>();
    for (let i = 0; i < files; i++) {
      const random = new Random(seed * 1_000_003 + i);
      const [first, second] = random.next(2) === 0 ? ggufFiles : ggufFiles.toReversed();
      const bytes = mutated(random, first!, second!, hostileGgufPiece);
      const source = bytesSource(bytes);
      const cursor = new Cursor(source);
      const keys = random.next(2) === 0 ? (key: string) => key !== "nested" : () => random.next(2) === 0;
      let outcome = "sound";
      const { heap, buffers } = await memoryOf(async () => {
        try {
          checkFile(await parseGguf(source, cursor, { keys }));
        } catch (error) {
          if (!(error instanceof GgufError)) throw new Error(`file ${i} of seed ${seed}`, { cause: error });
          outcome = error.code;
        }
      });
      const where = `bytes taken by file ${i} of seed ${seed}, which has ${bytes.length}`;
      expect(cursor.allocated, where).toBeLessThan(10 * bytes.length + 100);
      expect(buffers, where).toBeLessThan(10 * bytes.length + 2 ** 16);
      expect(heap, where).toBeLessThan(2 ** 22);
      outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
    }
    // Damage that never gets past the first check would test nothing.
    const share = (outcome: string) => (outcomes.get(outcome) ?? 0) / files;
    for (const common of ["sound", "truncated", "invalid-metadata", "invalid-tensor"]) {
      expect(share(common), common).toBeGreaterThan(0.02);
    }
    if (process.env.KVASIR_FUZZ) console.log(`GGUF, of ${files} files:`, Object.fromEntries(outcomes));
  },
  60_000 + files * 20,
);
