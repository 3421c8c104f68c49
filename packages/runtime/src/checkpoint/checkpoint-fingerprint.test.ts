import { mkdtempSync, readFileSync, renameSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { weightsOf, writeGgufModel } from "../../tests/gguf-model.ts";
import { randomWeights, smallConfig } from "../../tests/random-checkpoint.ts";
import { checkpointFingerprint } from "./checkpoint-fingerprint.ts";
import { sampledRanges } from "./sampled-ranges.ts";

const MiB = 2 ** 20;

let root: string;
let folder: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "kvasir-"));
  folder = mkdtempSync(join(root, "model-"));
});
afterEach(() => rmSync(root, { recursive: true }));

const write = (name: string, content: string | Uint8Array) => writeFileSync(join(folder, name), content);
const noise = (bytes: number) =>
  Uint8Array.from({ length: bytes }, (_, i) => Math.imul(i, 2654435761) >>> 24);

function writeFolder(weights: Uint8Array): void {
  write("config.json", "{}");
  write("tokenizer.json", '{"a":1}');
  write("model.safetensors", weights);
}

describe("sampledRanges", () => {
  it("covers a small file whole, and of a large one both ends and 64 pieces between them", () => {
    fc.assert(
      fc.property(fc.oneof(fc.nat(4 * MiB), fc.integer({ min: 0, max: 2 ** 50 })), (size) => {
        const ranges = sampledRanges(size);
        const covered = ranges.reduce((sum, { start, end }) => sum + end - start, 0);
        expect(covered).toBe(Math.min(size, 2 * MiB + 64 * 4096));
        for (const [i, { start }] of ranges.entries()) {
          expect(start).toBeGreaterThanOrEqual(ranges[i - 1]?.end ?? 0);
        }
        expect([ranges[0]!.start, ranges.at(-1)!.end]).toEqual([0, size]);
        const gaps = ranges.slice(1).map(({ start }, i) => start - ranges[i]!.end);
        // Those at the ends are half as wide as those between pieces.
        const inner = gaps.slice(1, -1);
        if (inner.length > 0) expect(Math.max(...inner) - Math.min(...inner)).toBeLessThanOrEqual(1);
      }),
    );
  });
});

describe("checkpointFingerprint", () => {
  it("is of what is in the files, not of where or when they are", async () => {
    writeFolder(noise(5000));
    const before = await checkpointFingerprint(folder);
    expect(before).toMatch(/^[0-9a-f]{64}$/);
    utimesSync(join(folder, "model.safetensors"), 1, 1);
    write("README.md", "not of the model");
    const moved = join(root, "elsewhere");
    renameSync(folder, moved);
    expect(await checkpointFingerprint(moved)).toBe(before);
    folder = moved;
  });

  it.each([
    "config.json",
    "generation_config.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "chat_template.jinja",
  ])("changes with %s, whatever changes in it", async (name) => {
    writeFolder(noise(5000));
    const seen = new Set([await checkpointFingerprint(folder)]);
    for (const content of ["", "{ }", '{"a":2}', '{"a":2} ', `{"a":"${"x".repeat(3 * MiB)}"}`]) {
      write(name, content);
      seen.add(await checkpointFingerprint(folder));
    }
    expect(seen.size).toBe(6);
  });

  it("changes with any byte of the sampled parts of the weights, and with their size", async () => {
    const weights = noise(5 * MiB);
    writeFolder(weights);
    const before = await checkpointFingerprint(folder);
    const ranges = sampledRanges(weights.length);
    const place = fc
      .constantFrom(...ranges)
      .chain(({ start, end }) =>
        fc.oneof(fc.constantFrom(start, end - 1), fc.integer({ min: start, max: end - 1 })),
      );
    await fc.assert(
      fc.asyncProperty(place, fc.integer({ min: 1, max: 255 }), async (at, change) => {
        const changed = weights.slice();
        changed[at]! ^= change;
        write("model.safetensors", changed);
        expect(await checkpointFingerprint(folder)).not.toBe(before);
      }),
      { numRuns: 40 },
    );
    for (const other of [weights.subarray(0, -1), new Uint8Array([...weights, 0])]) {
      write("model.safetensors", other);
      expect(await checkpointFingerprint(folder)).not.toBe(before);
    }
    write("model.safetensors", weights);
    expect(await checkpointFingerprint(folder)).toBe(before);
  });

  it("takes the shards that the index lists, in any order, by their names", async () => {
    write("config.json", "{}");
    const index = (...shards: string[]) =>
      write(
        "model.safetensors.index.json",
        JSON.stringify({ weight_map: Object.fromEntries(shards.map((shard, i) => [`t${i}`, shard])) }),
      );
    write("a.safetensors", noise(10));
    write("b.safetensors", noise(20));
    index("a.safetensors", "b.safetensors");
    const before = await checkpointFingerprint(folder);
    index("b.safetensors", "a.safetensors");
    expect(await checkpointFingerprint(folder)).toBe(before);
    index("a.safetensors");
    expect(await checkpointFingerprint(folder)).not.toBe(before);
    index("a.safetensors", "b.safetensors");
    write("a.safetensors", noise(20));
    write("b.safetensors", noise(10));
    expect(await checkpointFingerprint(folder)).not.toBe(before);
    index("a.safetensors", "c.safetensors");
    await expect(checkpointFingerprint(folder)).rejects.toMatchObject({
      name: "CheckpointError",
      code: "not-found",
    });
  });

  it("of a GGUF file takes all that stands before the tensors, and samples the tensors", async () => {
    const weights = weightsOf(randomWeights());
    const withTemplate = (template: string) =>
      writeGgufModel({ config: smallConfig, weights, keys: { "tokenizer.chat_template": template } });
    const template = "x".repeat(5 * MiB);
    using file = await withTemplate(template);
    const before = await checkpointFingerprint(file.path);
    for (const at of [0, 1.5 * MiB, 2.3 * MiB, 3.1 * MiB, template.length - 1].map(Math.floor)) {
      using other = await withTemplate(`${template.slice(0, at)}y${template.slice(at + 1)}`);
      expect(await checkpointFingerprint(other.path)).not.toBe(before);
    }
    const bytes = readFileSync(file.path);
    const renamed = join(root, "renamed.gguf");
    writeFileSync(renamed, bytes);
    expect(await checkpointFingerprint(renamed)).toBe(before);
    bytes[bytes.length - 1]! ^= 1;
    writeFileSync(renamed, bytes);
    expect(await checkpointFingerprint(renamed)).not.toBe(before);
  });

  it("refuses what is no checkpoint", async () => {
    const refused = (path: string, code: string) =>
      expect(checkpointFingerprint(path)).rejects.toMatchObject({ name: "CheckpointError", code });
    await refused(join(root, "nowhere"), "not-found");
    await refused(folder, "not-found");
    write("model.gguf", "GGUF, and then nothing");
    await refused(join(folder, "model.gguf"), "corrupt");
    write("notes.txt", "notes");
    await refused(join(folder, "notes.txt"), "not-a-directory");
  });
});
