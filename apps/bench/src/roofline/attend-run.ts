import type { Device, Program } from "@kvasir/kernels";
import { KernelRun, pagesFor, stepOf } from "./kernel-run.ts";
import type { KernelTime } from "./linear-run.ts";

/** TinyLlama's heads, and KV layers enough that at 4,096 slots what they hold (65 MiB) is more than most caches do. */
const [heads, kvHeads, headDim, kvLayers] = [32, 4, 64, 16];
const chunk = 512;

/** Times attention over a cache of `resident` slots: one row, and a chunk of a prompt. */
export async function timeAttend(
  device: Device,
  resident: number,
  seconds: number,
): Promise<{ readonly decode: KernelTime; readonly prefill: KernelTime }> {
  const [queries, keys] = [heads * headDim, kvHeads * headDim];
  using queryTable = device.tensor("f32", [1, queries], new Float32Array(queries).fill(0.1));
  using keyTable = device.tensor("f32", [1, keys], new Float32Array(keys).fill(0.1));
  using head = device.tensor("f32", [1, queries], new Float32Array(queries));
  const layers = Array.from({ length: kvLayers }, (_, kvLayer) => [
    { op: "writeKv", kvLayer, k: 1, v: 1 } as const,
    {
      op: "attend",
      out: 2,
      q: 0,
      kvLayer,
      scale: headDim ** -0.5,
      strict: false,
      window: 0,
      rope: 0,
    } as const,
  ]);
  const program: Program = {
    kvLayers,
    kvHeads,
    headDim,
    vocabSize: 1,
    buffers: [
      { width: queries, rows: "tokens" },
      { width: keys, rows: "tokens" },
      { width: queries, rows: "tokens" },
      { width: queries, rows: "outputs" },
      { width: 1, rows: "outputs" },
    ],
    tensors: [queryTable, keyTable, head],
    ropes: [{ inverseFrequencies: Float64Array.of(1), scale: 1, interleaved: false }],
    instructions: [
      { op: "embed", out: 0, table: 0 },
      { op: "embed", out: 1, table: 1 },
      ...layers.flat(),
      { op: "gatherOutputs", out: 3, x: 2 },
      { op: "linear", out: 4, x: 3, weight: 2 },
    ],
    logits: 4,
  };
  using run = new KernelRun(device, program, kvLayers * kvHeads * pagesFor(resident + 1));
  for (let filled = 0; filled < resident - chunk; filled += chunk)
    await run.once(stepOf(program, chunk, filled));
  const prefillMs = await run.fastest(stepOf(program, chunk, resident - chunk), seconds);
  const decodeMs = await run.fastest(stepOf(program, 1, resident), seconds);
  // Each slot of each KV head: key and value in f16, and a position.
  const cacheBytes = kvLayers * kvHeads * resident * (headDim * 4 + 4);
  // A product with the key and one with the value.
  const perSlot = kvLayers * 4 * queries;
  return {
    decode: { ms: decodeMs, bytes: cacheBytes, operations: perSlot * (resident + 1) },
    prefill: {
      ms: prefillMs,
      bytes: cacheBytes,
      operations: perSlot * chunk * (resident - (chunk - 1) / 2),
    },
  };
}
