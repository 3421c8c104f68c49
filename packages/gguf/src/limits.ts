/** More than any published file has; a file over one of these is refused with the code `limit`. */
export const limits = {
  /** Bytes before the tensor data. */
  header: 2 ** 28,
  /** Bytes of all keys, and of the values that the caller asked for. */
  values: 2 ** 26,
  /** Bytes of one string. */
  string: 2 ** 24,
  /** Bytes of a key; the format's own limit. */
  key: 2 ** 16 - 1,
  /** Bytes of a tensor's name: the format says 64, ggml's own tools write longer ones. */
  name: 256,
  keys: 2 ** 16,
  tensors: 2 ** 16,
  /** Arrays in arrays. */
  depth: 4,
  /** The format's own limit on dimensions. */
  rank: 4,
  alignment: 2 ** 16,
} as const;

export const defaultAlignment = 32;

/** Whether data may be aligned to multiples of `value`: a power of two, up to 65536. */
export function isAlignment(value: unknown): value is number {
  return (
    typeof value === "number" &&
    Number.isInteger(value) &&
    value >= 1 &&
    value <= limits.alignment &&
    Number.isInteger(Math.log2(value))
  );
}

/** The first multiple of `alignment` that is not below `position`. */
export function alignedUp(position: number, alignment: number): number {
  return Math.ceil(position / alignment) * alignment;
}
