import { expect } from "vitest";
import type { Device } from "../src/device.ts";
import { KernelError } from "../src/kernel-error.ts";
import { PagedSequence, PageIds } from "./paged-sequence.ts";
import type { ProgramSketch } from "./program-sketch.ts";

/** One line of the conformance suite. */
export type Implementation = {
  readonly name: string;
  open(): Device;
  /** What it computes in; logits are f32 in any case. */
  readonly precision: "double" | "single";
};

/** The message with which an action is refused as a bad argument. */
export function refusal(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    if (error instanceof KernelError && error.code === "invalid-argument") return error.message;
    throw error;
  }
  return "nothing was refused";
}

/** Expects that some work is refused as a bad argument, in words that match. */
export async function refused(work: Promise<unknown>, message: RegExp): Promise<void> {
  await expect(work).rejects.toMatchObject({
    name: "KernelError",
    code: "invalid-argument",
    message: expect.stringMatching(message),
  });
}

/** Largest difference over largest expected value. */
export function relativeError(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  if (actual.length !== expected.length) return Infinity;
  let [difference, largest] = [0, 0];
  for (let i = 0; i < expected.length; i++) {
    const d = Math.abs(actual[i]! - expected[i]!);
    if (!(d <= difference)) difference = d; // NaN stays
    largest = Math.max(largest, Math.abs(expected[i]!));
  }
  return largest === 0 ? difference : difference / largest;
}

/** [rows, width] from a program that works row by row: tokens at positions 0, 1, ... of one sequence. */
export async function runRows(
  device: Device,
  sketch: ProgramSketch,
  tokens: Int32Array,
  width: number,
  position = 0,
): Promise<Float32Array> {
  const { kvLayers, kvHeads, headDim } = sketch.shape;
  const heads = kvLayers * kvHeads;
  const pages = heads * Math.ceil(tokens.length / 16);
  using memory = device.pageMemory({ pages, pageTokens: 16, headDim, dtype: "f32" });
  using executable = await sketch.compilePackedOn(device);
  const sequence = new PagedSequence(PageIds.inOrder(pages), 16, heads);
  sequence.position = position;
  const outputs = Int32Array.from(tokens.keys());
  const step = { tokens, sequences: [sequence.next(tokens.length)], outputs, returnLogits: true };
  const { logits } = await executable.run(memory, step);
  return firstColumns(logits!, sketch.shape.vocabSize, width);
}

/** The first `width` of every `columns` elements. */
export function firstColumns(values: Float32Array, columns: number, width: number): Float32Array {
  const rows = values.length / columns;
  const first = new Float32Array(rows * width);
  for (let r = 0; r < rows; r++) first.set(values.subarray(r * columns, r * columns + width), r * width);
  return first;
}

export function sameBits(a: Float32Array, b: Float32Array): boolean {
  return Buffer.from(a.buffer, a.byteOffset, a.byteLength).equals(
    Buffer.from(b.buffer, b.byteOffset, b.byteLength),
  );
}
