/** A tensor for a file that a test makes: its dtype in the format's own words, and its bytes. */
export type EncodedTensor = {
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly data: Uint8Array;
};

export type Header = Record<string, unknown>;

/** The bytes of a safetensors file, its tensors end to end. `edit` may spoil the header first. */
export function encodeSafetensors(
  tensors: Readonly<Record<string, EncodedTensor>>,
  edit: (header: Header) => Header = (header) => header,
): Buffer {
  let at = 0;
  const header: Header = { __metadata__: { format: "pt" } };
  for (const [name, { dtype, shape, data }] of Object.entries(tensors)) {
    header[name] = { dtype, shape, data_offsets: [at, at + data.length] };
    at += data.length;
  }
  return withHeader(
    JSON.stringify(edit(header)),
    Buffer.concat(Object.values(tensors).map(({ data }) => data)),
  );
}

/** Length, header text padded to a multiple of 8 bytes, data. */
export function withHeader(text: string, data: Uint8Array = new Uint8Array(0), align = 8): Buffer {
  const bytes = Buffer.from(text);
  const header = Buffer.alloc(Math.ceil(bytes.length / align) * align, " ");
  bytes.copy(header);
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(header.length));
  return Buffer.concat([length, header, data]);
}

export function f32(shape: readonly number[], values: Iterable<number>): EncodedTensor {
  return { dtype: "F32", shape, data: new Uint8Array(Float32Array.from(values).buffer) };
}

/** `bits`: 16-bit patterns. */
export function halves(
  dtype: "F16" | "BF16",
  shape: readonly number[],
  bits: Iterable<number>,
): EncodedTensor {
  return { dtype, shape, data: new Uint8Array(Uint16Array.from(bits).buffer) };
}
