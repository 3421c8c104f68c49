import { readFileSync, writeFileSync } from "node:fs";

export type Tensors = Readonly<
  Record<string, { readonly shape: readonly number[]; readonly data: Float32Array }>
>;

/** The f32 tensors of a small safetensors file: 8 bytes of header length, a JSON header, the data. */
export function readTensors(path: string): Tensors {
  const file = readFileSync(path);
  const start = 8 + Number(file.readBigUInt64LE(0));
  const header: Record<string, { shape: number[]; data_offsets: [number, number] }> = JSON.parse(
    file.toString("utf8", 8, start),
  );
  const entries = Object.entries(header).filter(([name]) => name !== "__metadata__");
  return Object.fromEntries(
    entries.map(([name, { shape, data_offsets }]) => {
      const [from, to] = data_offsets.map((offset) => start + offset);
      return [name, { shape, data: new Float32Array(new Uint8Array(file.subarray(from, to)).buffer) }];
    }),
  );
}

export function writeTensors(path: string, tensors: Tensors): void {
  let offset = 0;
  const header = Object.entries(tensors).map(([name, { shape, data }]) => {
    const from = offset;
    offset += data.byteLength;
    return [name, { dtype: "F32", shape, data_offsets: [from, offset] }];
  });
  const json = JSON.stringify(Object.fromEntries(header));
  const text = Buffer.from(json.padEnd(Math.ceil(json.length / 8) * 8));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(text.length));
  const data = Object.values(tensors).map((tensor) => Buffer.from(tensor.data.buffer));
  writeFileSync(path, Buffer.concat([length, text, ...data]));
}
