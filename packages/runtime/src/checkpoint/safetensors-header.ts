import { setImmediate } from "node:timers/promises";
import { CheckpointError } from "./checkpoint-error.ts";
import { HeaderReader } from "./header-reader.ts";
import { isSafetensorsDType, type SafetensorsDType, tensorBytes } from "./safetensors-dtype.ts";

export type SafetensorsEntry = {
  readonly dtype: SafetensorsDType;
  readonly shape: readonly number[];
  /** Where its data begin and end, in bytes after the header. */
  readonly begin: number;
  readonly end: number;
};

/** Tensors of one file. The largest published models have under 100,000 over all their shards. */
const tensorLimit = 2 ** 18;

/** Gives the event loop a turn where the last was longer ago than this, in milliseconds. */
const turnMs = 10;

function eventLoopTurns(): () => Promise<unknown> | undefined {
  let due = performance.now() + turnMs;
  return () => {
    if (performance.now() < due) return;
    due = Number.POSITIVE_INFINITY;
    return setImmediate().then(() => {
      due = performance.now() + turnMs;
    });
  };
}

/** A name from outside, in quotes and cut short, for a message. */
export function quoted(name: string): string {
  return JSON.stringify(name.length > 120 ? `${name.slice(0, 120)}…` : name);
}

/**
 * Reads a safetensors header (format specification: github.com/huggingface/safetensors) and checks that its
 * tensors fill the `dataBytes` after it exactly: no gap, no overlap, nothing outside. Throws
 * `CheckpointError` (`corrupt`) naming `path`. Takes memory in proportion to `bytes` only.
 */
export async function parseSafetensorsHeader(
  bytes: Uint8Array,
  dataBytes: number,
  path: string,
): Promise<Map<string, SafetensorsEntry>> {
  const fail = (reason: string, tensor?: string) =>
    new CheckpointError("corrupt", path, reason, tensor === undefined ? {} : { tensor });
  const reader = new HeaderReader(decodeText(bytes, fail), fail);
  const entries = new Map<string, SafetensorsEntry>();
  const turn = eventLoopTurns();
  let metadata = false;
  reader.expect("{");
  if (!reader.accept("}")) {
    do {
      const name = reader.key();
      if (name === "__metadata__") {
        if (metadata) throw fail("its header has __metadata__ twice");
        metadata = true;
        await skipMetadata(reader, turn);
        continue;
      }
      if (entries.has(name)) throw fail(`its header names tensor ${quoted(name)} twice`, name);
      if (entries.size === tensorLimit) throw fail(`its header names more than ${tensorLimit} tensors`);
      entries.set(
        name,
        readEntry(reader, (reason) => fail(`tensor ${quoted(name)} ${reason}`, name)),
      );
      const pause = turn();
      if (pause) await pause;
    } while (reader.accept(","));
    reader.expect("}");
  }
  reader.end();
  checkLayout(entries, dataBytes, fail);
  return entries;
}

type Fail = (reason: string, tensor?: string) => CheckpointError;

function decodeText(bytes: Uint8Array, fail: Fail): string {
  if (bytes[0] !== 0x7b) throw fail('its header is not valid: expected "{" at its start');
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw fail("its header is not UTF-8 text");
  }
}

async function skipMetadata(reader: HeaderReader, turn: () => Promise<unknown> | undefined): Promise<void> {
  reader.expect("{");
  if (reader.accept("}")) return;
  do {
    reader.string();
    reader.expect(":");
    reader.string();
    const pause = turn();
    if (pause) await pause;
  } while (reader.accept(","));
  reader.expect("}");
}

function readEntry(reader: HeaderReader, fail: (reason: string) => CheckpointError): SafetensorsEntry {
  let dtype: string | undefined;
  let shape: number[] | undefined;
  let offsets: number[] | undefined;
  reader.expect("{");
  do {
    const key = reader.key();
    if (key === "dtype" && dtype === undefined) dtype = reader.string(32);
    else if (key === "shape" && !shape) shape = reader.integers();
    else if (key === "data_offsets" && !offsets) offsets = reader.integers();
    else throw fail(`has a key ${quoted(key)}, expected dtype, shape and data_offsets, once each`);
  } while (reader.accept(","));
  reader.expect("}");
  if (dtype === undefined || !shape || offsets?.length !== 2) {
    throw fail("lacks a part: expected dtype, shape and two data_offsets");
  }
  if (!isSafetensorsDType(dtype)) throw fail(`has the unknown dtype ${quoted(dtype)}`);
  const [begin, end] = offsets as [number, number];
  const bytes = tensorBytes(dtype, shape);
  if (bytes === undefined || end - begin !== bytes) {
    const needed = bytes === undefined ? "more bytes than can be counted" : `${bytes} bytes`;
    throw fail(`of shape [${shape}] in ${dtype} needs ${needed}, but data_offsets are ${begin} to ${end}`);
  }
  return { dtype, shape, begin, end };
}

/** The specification wants the data whole: tensors end to end, from 0 to the file's last byte. */
function checkLayout(entries: ReadonlyMap<string, SafetensorsEntry>, dataBytes: number, fail: Fail): void {
  let at = 0;
  const inOrder = [...entries].sort(([, a], [, b]) => a.begin - b.begin || a.end - b.end);
  for (const [name, { begin, end }] of inOrder) {
    if (end > dataBytes) {
      const reason = `tensor ${quoted(name)} ends at byte ${end} of the data, of which the file has ${dataBytes}`;
      throw fail(reason, name);
    }
    if (begin !== at) {
      const fault = begin < at ? "overlaps the one before it" : "leaves a gap";
      throw fail(`tensor ${quoted(name)} ${fault}: it begins at byte ${begin}, expected ${at}`, name);
    }
    at = end;
  }
  if (at !== dataBytes) throw fail(`its tensors end at byte ${at} of the data, of which it has ${dataBytes}`);
}
