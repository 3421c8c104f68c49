import { closeSync, openSync, readSync } from "node:fs";
import type { Device, DType, Tensor } from "@kvasir/kernels";
import { CheckpointError } from "./checkpoint-error.ts";
import { systemError } from "./system-error.ts";

/**
 * A copy of `bytes` bytes of a file from `offset`, for a tensor that its file does not lay on a boundary of
 * its elements, as a view must be: safetensors promises no alignment, though usual writers give it. Blocks.
 */
export function copyTensor(
  device: Device,
  file: { readonly path: string; readonly offset: number; readonly bytes: number },
  dtype: DType,
  shape: readonly number[],
): Tensor {
  const data = new Uint8Array(file.bytes);
  let handle: number | undefined;
  try {
    handle = openSync(file.path, "r");
    for (let done = 0; done < data.length; ) {
      const bytes = readSync(handle, data, done, Math.min(data.length - done, 2 ** 30), file.offset + done);
      if (bytes === 0) throw new CheckpointError("io", file.path, "it has become shorter");
      done += bytes;
    }
  } catch (error) {
    throw systemError(error, file.path);
  } finally {
    if (handle !== undefined) closeSync(handle);
  }
  return device.tensor(
    dtype,
    shape,
    dtype === "f32" ? new Float32Array(data.buffer) : new Uint16Array(data.buffer),
  );
}
