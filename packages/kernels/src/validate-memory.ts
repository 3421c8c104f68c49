import {
  checkElements,
  checkInt32Array,
  checkInteger,
  checkLength,
  checkNumber,
  checkObject,
  checkOneOf,
  invalidArgument,
  maxInt32,
} from "./check-argument.ts";
import type { Compaction, PageMemorySpec, SlotData } from "./device.ts";
import { blockFormat, type DType, dtypeBytes, isQuantDType, tensorBytes, type WeightDType } from "./dtype.ts";

/**
 * Checks dtype and shape: rank 1 or 2, every dimension at least 1; of quantised tensors rank 2, rows of whole
 * blocks. Returns the bytes of such a tensor.
 */
export function validateTensorShape(dtype: WeightDType, shape: readonly number[]): number {
  if (!Object.hasOwn(blockFormat, dtype)) {
    invalidArgument(`dtype is ${String(dtype)}; expected one of ${Object.keys(blockFormat).join(", ")}`);
  }
  if (!Array.isArray(shape) || shape.length < 1 || shape.length > 2) {
    invalidArgument(`shape is [${String(shape)}]; expected one or two dimensions`);
  }
  shape.forEach((size, i) => {
    checkInteger(`shape[${i}]`, size, 1, maxInt32);
  });
  if (isQuantDType(dtype)) {
    const { values } = blockFormat[dtype];
    if (shape.length !== 2 || shape[1]! % values !== 0) {
      const expected = `two dimensions, the second a multiple of ${values}`;
      invalidArgument(`shape is [${String(shape)}]; expected ${expected}, for ${dtype}`);
    }
  }
  const bytes = tensorBytes(dtype, shape);
  if (!Number.isSafeInteger(bytes))
    invalidArgument(`shape is [${String(shape)}]; expected less than 2^53 bytes`);
  return bytes;
}

/** Checks that `data` is what `tensor()` takes for this dtype and shape. */
export function validateTensorData(
  dtype: WeightDType,
  shape: readonly number[],
  data: Float32Array | Uint16Array | Uint8Array,
): void {
  const bytes = validateTensorShape(dtype, shape);
  const expected = dtype === "f32" ? Float32Array : isQuantDType(dtype) ? Uint8Array : Uint16Array;
  if (!(data instanceof expected)) invalidArgument(`data of a ${dtype} tensor must be a ${expected.name}`);
  checkLength("data", data.length, bytes / expected.BYTES_PER_ELEMENT, `shape [${String(shape)}]`);
}

/** Checks that a tensor lies inside a file of `size` bytes; any offset will do. */
export function validateTensorView(
  dtype: WeightDType,
  shape: readonly number[],
  offset: number,
  size: number,
): void {
  const bytes = validateTensorShape(dtype, shape);
  checkInteger("offset", offset, 0, Number.MAX_SAFE_INTEGER);
  if (bytes > size || offset > size - bytes) {
    invalidArgument(`offset is ${offset} and the tensor takes ${bytes} bytes; the file has ${size}`);
  }
}

export function validatePageMemorySpec(spec: PageMemorySpec): void {
  checkInteger("pages", spec.pages, 1, maxInt32);
  if (spec.pageTokens !== 16 && spec.pageTokens !== 32) {
    invalidArgument(`pageTokens is ${String(spec.pageTokens)}; expected 16 or 32`);
  }
  checkHeadDim(spec.headDim);
  checkDType("dtype", spec.dtype);
}

export function checkHeadDim(headDim: number): void {
  checkInteger("headDim", headDim, 2, 1024);
  if (headDim % 2 !== 0) invalidArgument(`headDim is ${headDim}; expected an even number`);
}

export function validateCopy(spec: PageMemorySpec, from: Int32Array, to: Int32Array): void {
  checkPageIds("from", spec, from);
  checkPageIds("to", spec, to);
  checkLength("to", to.length, from.length, "one for each of `from`");
}

type PageBytes = { readonly spec: PageMemorySpec; readonly pageBytes: number };

export function validatePageRead(memory: PageBytes, pages: Int32Array, out: Uint8Array): void {
  checkPageBytes("out", memory, pages, out);
}

export function validatePageWrite(memory: PageBytes, pages: Int32Array, bytes: Uint8Array): void {
  checkPageBytes("bytes", memory, pages, bytes);
  const written = new Set<number>();
  for (const [i, page] of pages.entries()) {
    if (written.has(page)) invalidArgument(`pages[${i}] is page ${page}, which is written twice`);
    written.add(page);
  }
}

function checkPageBytes(name: string, { spec, pageBytes }: PageBytes, pages: Int32Array, bytes: Uint8Array) {
  checkPageIds("pages", spec, pages);
  if (!(bytes instanceof Uint8Array)) invalidArgument(`${name} must be a Uint8Array`);
  // A device uses the memory while JavaScript runs on, and could be left without it.
  if ((bytes.buffer as { resizable?: boolean }).resizable === true) {
    invalidArgument(`${name} lies in a resizable ArrayBuffer; expected one of a fixed length`);
  }
  checkLength(name, bytes.length, pages.length * pageBytes, `${pages.length} pages of ${pageBytes} bytes`);
}

export function validateCompactions(spec: PageMemorySpec, heads: readonly Compaction[]): void {
  heads.forEach((head, h) => {
    const name = `heads[${h}]`;
    checkPageIds(`${name}.source`, spec, head.source);
    checkPageIds(`${name}.destination`, spec, head.destination);
    checkInt32Array(`${name}.keep`, head.keep);
    checkElements(`${name}.keep`, head.keep, 0, head.source.length * spec.pageTokens - 1);
    for (let i = 1; i < head.keep.length; i++) {
      if (head.keep[i]! <= head.keep[i - 1]!) {
        invalidArgument(
          `${name}.keep[${i}] is ${head.keep[i]} after ${head.keep[i - 1]}; expected ascending slots`,
        );
      }
    }
    if (head.merge !== undefined) checkMerge(`${name}.merge`, spec, head, head.merge);
    const pages = Math.ceil(head.keep.length / spec.pageTokens);
    checkLength(`${name}.destination`, head.destination.length, pages, `${head.keep.length} slots kept`);
    const written = new Set<number>();
    for (const [i, page] of head.destination.entries()) {
      if (written.has(page)) {
        invalidArgument(`${name}.destination[${i}] is page ${page}, which is written twice`);
      }
      written.add(page);
    }
  });
}

function checkMerge(
  name: string,
  { pageTokens }: PageMemorySpec,
  { source }: Compaction,
  merge: NonNullable<Compaction["merge"]>,
): void {
  checkObject(name, merge);
  checkInteger(`${name}.slots`, merge.slots, 0, Math.min(source.length * pageTokens, maxInt32));
  const cosine = (x: number) => x >= -1 && x <= 1;
  checkNumber(`${name}.threshold`, merge.threshold, "a number in [-1, 1]", cosine);
}

const slotData: readonly SlotData[] = ["position", "keyNorm", "valueNorm", "attentionSum", "keys", "values"];

export function validateSlotReads(
  spec: PageMemorySpec,
  data: SlotData,
  tables: readonly { readonly pages: Int32Array; readonly slots: number }[],
): void {
  checkOneOf("data", data, slotData);
  tables.forEach(({ pages, slots }, i) => {
    checkPageIds(`tables[${i}].pages`, spec, pages);
    checkInteger(`tables[${i}].slots`, slots, 0, Math.min(pages.length * spec.pageTokens, maxInt32));
  });
}

function checkPageIds(name: string, spec: PageMemorySpec, pages: Int32Array): void {
  checkInt32Array(name, pages);
  checkElements(name, pages, 0, spec.pages - 1);
}

function checkDType(name: string, dtype: DType): void {
  if (!Object.hasOwn(dtypeBytes, dtype)) {
    invalidArgument(`${name} is ${String(dtype)}; expected f32, f16 or bf16`);
  }
}
