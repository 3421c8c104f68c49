import type { Device, Executable, PageMemory } from "../src/device.ts";
import type { Instruction } from "../src/program.ts";
import type { Step } from "../src/step.ts";

/** Logits [3] of token t are `head . table[t]`; stores nothing. */
export function compileTiny(device: Device): Executable {
  return device.compile({
    kvLayers: 1,
    kvHeads: 1,
    headDim: 2,
    vocabSize: 3,
    buffers: [
      { width: 2, rows: "tokens" },
      { width: 2, rows: "outputs" },
      { width: 3, rows: "outputs" },
    ],
    tensors: [
      device.tensor("f32", [3, 2], Float32Array.of(1, 0, 0, 1, 2, -1)),
      device.tensor("f32", [3, 2], Float32Array.of(1, 2, 3, 4, 5, 6)),
    ],
    ropes: [],
    instructions: [
      { op: "embed", out: 0, table: 0 },
      { op: "gatherOutputs", out: 1, x: 0 },
      { op: "linear", out: 2, x: 1, weight: 1 },
    ],
    logits: 2,
  });
}

/** A program whose step takes about a second of one core on the slowest level. */
export function compileLong(device: Device, width = 512, layers = 6): Executable {
  const square = device.tensor("f32", [width, width], new Float32Array(width * width));
  const instructions: Instruction[] = [{ op: "embed", out: 0, table: 0 }];
  for (let i = 0; i < layers; i++) instructions.push({ op: "linear", out: 1 - (i % 2), x: i % 2, weight: 1 });
  instructions.push(
    { op: "gatherOutputs", out: 2, x: layers % 2 },
    { op: "linear", out: 3, x: 2, weight: 0 },
  );
  return device.compile({
    kvLayers: 1,
    kvHeads: 1,
    headDim: 2,
    vocabSize: 3,
    buffers: [
      { width, rows: "tokens" },
      { width, rows: "tokens" },
      { width, rows: "outputs" },
      { width: 3, rows: "outputs" },
    ],
    tensors: [device.tensor("f32", [3, width], new Float32Array(3 * width)), square],
    ropes: [],
    instructions,
    logits: 3,
  });
}

export function tinyPages(device: Device): PageMemory {
  return device.pageMemory({ pages: 64, pageTokens: 16, headDim: 2, dtype: "f32" });
}

/** `tokens` as one new sequence, with the logits of its last row. */
export function promptStep(tokens: readonly number[]): Step {
  const pages = Int32Array.from({ length: Math.ceil(tokens.length / 16) }, (_, i) => i);
  return {
    tokens: Int32Array.from(tokens),
    sequences: [{ rows: tokens.length, position: 0, resident: Int32Array.of(0), pages, sinks: 0 }],
    outputs: Int32Array.of(tokens.length - 1),
    returnLogits: true,
  };
}

/** 64 rows: with `compileLong`, long enough for other things to happen meanwhile. */
export const longPrompt = promptStep(Array.from({ length: 64 }, (_, i) => i % 3));
