import type { DType } from "../dtype.ts";
import { decode, encode } from "./float-format.ts";
import type { Page } from "./page.ts";
import type { Work } from "./work-queue.ts";

/** Writes a page to `bytes`: keys and values as `dtype` has them, positions, sums. */
export function* packPage(page: Page, dtype: DType, bytes: Uint8Array): Work {
  const { keys, values, positions, attentionSums } = page;
  const vectors = dtype === "f32" ? [keys, values] : [encode(dtype, keys), encode(dtype, values)];
  let at = 0;
  for (const part of [...vectors, positions, attentionSums]) {
    bytes.set(bytesOf(part), at);
    at += part.byteLength;
    yield;
  }
}

/** What `packPage` wrote, to a page. */
export function* unpackPage(page: Page, dtype: DType, bytes: Uint8Array): Work {
  let at = 0;
  const take = <T extends ArrayBufferView>(part: T): T => {
    bytesOf(part).set(bytes.subarray(at, at + part.byteLength));
    at += part.byteLength;
    return part;
  };
  for (const vectors of [page.keys, page.values]) {
    if (dtype === "f32") take(vectors);
    else vectors.set(yield* decode(dtype, take(new Uint16Array(vectors.length))));
    yield;
  }
  take(page.positions);
  take(page.attentionSums);
}

function bytesOf({ buffer, byteOffset, byteLength }: ArrayBufferView): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}
