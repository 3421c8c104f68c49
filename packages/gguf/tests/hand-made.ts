import { u32, u64 } from "../../../.vitest/gguf-pieces.ts";

/** A string as it stands in a file. These pieces make files by hand, so that they can be wrong. */
export const text = (value: string): Buffer =>
  Buffer.concat([u64(Buffer.byteLength(value)), Buffer.from(value)]);

export const joined = (...parts: readonly (Uint8Array | string)[]): Buffer =>
  Buffer.concat(parts.map((part) => (typeof part === "string" ? text(part) : part)));

/** Magic, version, count of tensors, count of keys. */
export const head = (tensors: number | bigint, keys: number | bigint, version = 3): Buffer =>
  joined(Buffer.from("GGUF"), u32(version), u64(tensors), u64(keys));

/** The description of a tensor; `ne` is innermost first, as in the file. */
export const description = (
  name: string | Uint8Array,
  ne: readonly (number | bigint)[],
  type: number,
  offset: number | bigint,
): Buffer => joined(name, u32(ne.length), ...ne.map(u64), u32(type), u64(offset));

/** `parts`, then zeros up to a multiple of 32, then `data` zeros. */
export const withData = (data: number, ...parts: readonly Uint8Array[]): Buffer => {
  const front = joined(...parts);
  return Buffer.concat([front], Math.ceil(front.length / 32) * 32 + data);
};
