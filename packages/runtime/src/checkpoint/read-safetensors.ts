import { CheckpointError } from "./checkpoint-error.ts";
import { decodeFloats } from "./decode-floats.ts";
import { kernelDType } from "./safetensors-dtype.ts";
import { openSafetensors, readExactly, withFile } from "./safetensors-file.ts";
import { quoted } from "./safetensors-header.ts";

/**
 * Reads one F32, F16 or BF16 tensor of a safetensors file into memory: recorded results, not weights.
 * `data` is row-major. Throws `CheckpointError`.
 */
export async function readSafetensors(
  path: string,
  name: string,
): Promise<{ shape: number[]; data: Float32Array }> {
  const { tensors, dataOffset } = await openSafetensors(path);
  const entry = tensors.get(name);
  if (!entry) {
    throw new CheckpointError("missing-tensor", path, `tensor ${quoted(name)} is missing`, { tensor: name });
  }
  const dtype = kernelDType(entry.dtype);
  if (!dtype) {
    const reason = `tensor ${quoted(name)} is ${entry.dtype}, expected F32, F16 or BF16`;
    throw new CheckpointError("unsupported-dtype", path, reason, { tensor: name });
  }
  const { begin, end } = entry;
  const bytes = await withFile(path, (handle) => readExactly(handle, path, dataOffset + begin, end - begin));
  return { shape: [...entry.shape], data: decodeFloats(dtype, bytes) };
}
