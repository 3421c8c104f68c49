import {
  blockFormat,
  type Device,
  isQuantDType,
  type Program,
  type Tensor,
  type WeightDType,
} from "@kvasir/kernels";
import { KernelRun, pagesFor, stepOf } from "./kernel-run.ts";

/** Sizes of TinyLlama's widest products. */
const [outputs, inputs] = [5632, 2048];

/** What a kernel did in its fastest run. */
export type KernelTime = { readonly ms: number; readonly bytes: number; readonly operations: number };

/**
 * Times products of `rows` rows with weights of a type. Weights are distinct, and `bytes` or more together, so
 * that one row at a time they come from memory and not from a cache.
 */
export async function timeLinear(
  device: Device,
  dtype: WeightDType,
  rows: number,
  { bytes, seconds }: { readonly bytes: number; readonly seconds: number },
): Promise<KernelTime> {
  const owned: Tensor[] = [];
  const own = (tensor: Tensor) => {
    owned.push(tensor);
    return tensor;
  };
  try {
    const table = own(device.tensor("f32", [1, inputs], new Float32Array(inputs).fill(0.5)));
    const head = own(device.tensor("f32", [1, inputs], new Float32Array(inputs)));
    const weights: Tensor[] = [];
    while (weights.reduce((sum, weight) => sum + weight.bytes, 0) < bytes)
      weights.push(own(await weightOf(device, dtype)));
    const program: Program = {
      kvLayers: 1,
      kvHeads: 1,
      headDim: 64,
      vocabSize: 1,
      buffers: [
        { width: inputs, rows: "tokens" },
        { width: outputs, rows: "tokens" },
        { width: inputs, rows: "outputs" },
        { width: 1, rows: "outputs" },
      ],
      tensors: [table, head, ...weights],
      ropes: [],
      instructions: [
        { op: "embed", out: 0, table: 0 },
        ...weights.map((_, i) => ({ op: "linear", out: 1, x: 0, weight: i + 2 }) as const),
        { op: "gatherOutputs", out: 2, x: 0 },
        { op: "linear", out: 3, x: 2, weight: 1 },
      ],
      logits: 3,
    };
    using run = new KernelRun(device, program, pagesFor(rows));
    const step = stepOf(program, rows, 0);
    return {
      ms: await run.fastest(step, seconds),
      bytes: weights.reduce((sum, weight) => sum + weight.bytes, 0),
      operations: 2 * rows * outputs * inputs * weights.length,
    };
  } finally {
    for (const tensor of owned) tensor.dispose();
  }
}

/** A weight of equal bytes, which are small numbers in every format. */
async function weightOf(device: Device, dtype: WeightDType): Promise<Tensor> {
  const { values, bytes } = blockFormat[dtype];
  const data = new Uint8Array(((outputs * inputs) / values) * bytes).fill(0x2c);
  const shape = [outputs, inputs];
  if (dtype === "f32") return device.tensor(dtype, shape, new Float32Array(data.buffer));
  if (!isQuantDType(dtype)) return device.tensor(dtype, shape, new Uint16Array(data.buffer));
  const weight = device.tensor(dtype, shape, data);
  try {
    return await device.pack(weight);
  } finally {
    weight.dispose();
  }
}
