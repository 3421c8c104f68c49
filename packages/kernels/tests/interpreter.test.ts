import { mkdtemp, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { createInterpreter } from "../src/interpreter/interpreter.ts";
import { byLogit } from "../src/interpreter/sampling.ts";
import { Decoding } from "./decoding.ts";
import { ProgramSketch } from "./program-sketch.ts";
import { Random } from "./random.ts";
import { tinyDecoder, tinyModel } from "./tiny-model.ts";
import { f32Weight } from "./weight.ts";

it("lets the event loop run while a step is under way", async () => {
  using device = createInterpreter();
  const wide = { ...tinyModel, width: 256, headDim: 64 };
  using decoding = new Decoding(device, tinyDecoder(91, wide));
  let [turns, running] = [0, true];
  const count = () => {
    turns++;
    if (running) setImmediate(count);
  };
  count();
  await decoding.step([decoding.sequence(), new Random(92).integers(60, 0, 49)]);
  running = false;
  // A hundred million multiplications take many turns of a few milliseconds on any machine.
  expect(turns).toBeGreaterThan(8);
});

it("lets the event loop run while it packs", async () => {
  using device = createInterpreter();
  using weight = device.tensor(
    "f32",
    [256, 1024],
    new Float32Array(256 * 1024).map((_, i) => Math.sin(i * i)),
  );
  let [turns, running] = [0, true];
  const count = () => {
    turns++;
    if (running) setImmediate(count);
  };
  count();
  using packed = await device.pack(weight, "q4_k");
  running = false;
  expect(packed.bytes).toBe(1024 * 144);
  expect(turns).toBeGreaterThan(4);
});

it("describes itself", () => {
  using device = createInterpreter();
  expect([device.backend, device.description]).toEqual(["interpreter", "interpreter"]);
});

it("sorts a vocabulary of any size, and pauses in between", () => {
  const random = new Random(93);
  for (const size of [1, 4095, 4096, 4097, 12288, 30000]) {
    const logits = Float64Array.from({ length: size }, () => random.integer(-500, 500) / 8);
    const work = byLogit(logits);
    let step = work.next();
    let pauses = 0;
    while (!step.done) {
      pauses++;
      step = work.next();
    }
    const expected = Array.from(logits.keys()).sort((a, b) => logits[b]! - logits[a]! || a - b);
    expect(Array.from(step.value)).toEqual(expected);
    expect(pauses).toBeGreaterThanOrEqual(Math.ceil(size / 4096));
  }
});

it("says when a file has become shorter than the tensor that is read from it", async () => {
  const folder = await mkdtemp(join(tmpdir(), "kvasir-"));
  const path = join(folder, "weights");
  await writeFile(path, new Uint8Array(64 * 2 * 4));
  using device = createInterpreter();
  const sketch = new ProgramSketch({ kvLayers: 1, kvHeads: 1, headDim: 2, vocabSize: 64 });
  sketch.readOut(sketch.embed(f32Weight([64, 2], new Float32Array(128))));
  const program = sketch.on(device);
  using file = await device.mapFile(path);
  using tensor = file.tensor("f32", [64, 2], 0);
  using executable = device.compile({ ...program, tensors: program.tensors.with(0, tensor) });
  using memory = device.pageMemory({ pages: 1, pageTokens: 16, headDim: 2, dtype: "f32" });
  await truncate(path, 100);
  const sequence = { rows: 1, position: 0, resident: Int32Array.of(0), pages: Int32Array.of(0), sinks: 0 };
  const step = {
    tokens: Int32Array.of(3),
    sequences: [sequence],
    outputs: Int32Array.of(0),
    returnLogits: true,
  };
  await expect(executable.run(memory, step)).rejects.toMatchObject({
    code: "io",
    message: expect.stringMatching(/shorter than 512/),
  });
  await truncate(path, 512);
  expect((await executable.run(memory, step)).logits).toHaveLength(64);
  await rm(folder, { recursive: true });
});
