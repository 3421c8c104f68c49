import { execFile } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { open } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { readGguf } from "@kvasir/gguf";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { DisagreementError } from "../src/compare/check-agreement.ts";
import { type CompareOptions, compare } from "../src/compare/compare.ts";
import { findPeer } from "../src/compare/find-peer.ts";
import { measureNames } from "../src/compare/measure.ts";
import { synthesize } from "../src/synthesize/synthesize.ts";

const cli = fileURLToPath(new URL("../dist/cli.js", import.meta.url));
const run = (...args: string[]) =>
  promisify(execFile)(process.execPath, [cli, ...args], { timeout: 120_000 });

const scratch = mkdtempSync(path.join(tmpdir(), "kvasir-compare-"));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));
const model = path.join(scratch, "tiny.gguf");
beforeAll(() => synthesize({ shape: "tiny", weights: "q8_0", out: model, seed: 1 }));

const small = ["--backend", "auto", "--repetitions", "2", "--short", "20", "--long", "60", "--generate", "4"];
const itself: CompareOptions = {
  model,
  ours: { kind: "kvasir", backend: "auto" },
  peer: { kind: "kvasir", backend: "auto" },
  threads: 1,
  repetitions: 1,
  measures: ["decode-1"],
  lengths: { short: 20, long: 60, generate: 4 },
  seed: 1,
};

describe("compare", () => {
  it("reports every measure of both sides with its samples, and the conditions", async () => {
    const { stdout } = await run("compare", "--model", model, "--peer", "kvasir", ...small, "--json");
    const spread = {
      median: expect.any(Number),
      low: expect.any(Number),
      high: expect.any(Number),
      samples: [expect.any(Number), expect.any(Number)],
    };
    const info = {
      name: "kvasir",
      version: expect.any(String),
      settings: expect.stringContaining("f16 cache"),
    };
    expect(JSON.parse(stdout)).toEqual({
      model: {
        name: "tiny q8_0 of seed 1",
        bytes: expect.any(Number),
        weights: "Q8_0",
        vocab: 512,
        context: 2048,
      },
      threads: 2,
      repetitions: 2,
      lengths: { short: 20, long: 60, generate: 4 },
      seed: 1,
      conditions: {
        date: expect.stringMatching(/^\d{4}-\d\d-\d\dT/),
        cpu: expect.any(String),
        processors: expect.any(Number),
        memoryBytes: expect.any(Number),
        system: expect.any(String),
        node: process.version,
        loadBefore: expect.any(Number),
      },
      ours: info,
      peer: info,
      // One side twice computes the same bits.
      agreement: { places: 23, largestKl: 0, meanKl: 0, sameChoice: 1, maxKl: 0.001, passed: true },
      rows: measureNames.map((measure) => ({
        measure,
        label: expect.any(String),
        unit: measure === "load" ? "ms" : measure === "memory" ? "MiB" : "tok/s",
        ours: spread,
        peer: spread,
        ratio: spread,
      })),
    });
  });

  it("measures only what is asked for, and takes ratios of each repetition", async () => {
    const { rows } = await compare({ ...itself, repetitions: 3, measures: ["load", "decode-1"] });
    expect(rows.map(({ measure }) => measure)).toEqual(["load", "decode-1"]);
    const [load, decode] = rows;
    expect(load!.ratio.samples).toEqual(load!.ours.samples.map((ms, i) => load!.peer.samples[i]! / ms));
    expect(decode!.ratio.samples).toEqual(
      decode!.ours.samples.map((rate, i) => rate / decode!.peer.samples[i]!),
    );
  });

  it("prints Markdown", async () => {
    const { stdout } = await run(
      ...["compare", "--model", model, "--peer", "kvasir", ...small, "--only", "memory", "--markdown"],
    );
    expect(stdout).toMatch(/^- tiny q8_0 of seed 1, Q8_0, 1 MiB; 2 threads/);
    expect(stdout).toMatch(
      /\n\|\s+\| kvasir \| kvasir \| ratio \|\n\| --- \| --: \| --: \| --: \|\n\| peak memory \| /,
    );
  });

  it("compares nothing where the sides do not compute the same", async () => {
    const altered = path.join(scratch, "altered.gguf");
    await synthesize({ shape: "tiny", weights: "q8_0", out: altered, seed: 1 });
    const { tensors } = await readGguf(altered);
    const { offset } = tensors.get("blk.1.ffn_down.weight")!;
    const file = await open(altered, "r+");
    // The weights of 30 blocks of one matrix of a file change their signs.
    for (let block = 0; block < 30; block++) {
      const bytes = new Int8Array(32);
      await file.read(bytes, 0, 32, offset + 34 * block + 2);
      await file.write(
        bytes.map((value) => -value),
        0,
        32,
        offset + 34 * block + 2,
      );
    }
    await file.close();
    const refusal = await compare({ ...itself, peerModel: altered }).catch((error: unknown) => error);
    expect(refusal).toBeInstanceOf(DisagreementError);
    const { agreement, code } = refusal as DisagreementError;
    expect(code).toBe("disagreement");
    expect(agreement.largestKl).toBeGreaterThan(agreement.maxKl);
    await expect(compare({ ...itself, peerModel: altered, maxKl: 100 })).resolves.toMatchObject({
      agreement: { passed: true },
    });
  });

  it.each([
    [["--only", "speed"], /Expected some of load/],
    [["--long", "5000", "--peer", "kvasir"], /at most 2048 tokens, the model's context/],
    [["--peer-path", tmpdir()], /npm install --ignore-scripts --omit=optional node-llama-cpp@/],
    [["--max-kl", "0"], /above 0/],
  ])("%j exits with an error that names the cause", async (flags, message) => {
    await expect(run("compare", "--model", model, "--backend", "auto", ...flags)).rejects.toMatchObject({
      stderr: expect.stringMatching(message),
    });
  });

  it("says of a side that fails which it was, and why", async () => {
    const module = path.join(scratch, "node-llama-cpp", "dist", "index.js");
    await expect(
      compare({ ...itself, peer: { kind: "node-llama-cpp", module, flash: "default" } }),
    ).rejects.toThrow(/^node-llama-cpp: .*index\.js/);
  });
});

const peer = await findPeer(process.env.KVASIR_PEER_PATH).catch(() => undefined);

it.skipIf(!peer)(
  "node-llama-cpp computes the same and is measured (skipped where neither KVASIR_PEER_PATH nor the working directory has it)",
  async () => {
    const { agreement, rows } = await compare({
      ...itself,
      peer: { kind: "node-llama-cpp", module: peer!, flash: "default" },
      measures: measureNames,
    });
    expect(agreement).toMatchObject({ places: 23, passed: true });
    for (const { peer: theirs } of rows) expect(theirs.median).toBeGreaterThan(0);
  },
  120_000,
);
