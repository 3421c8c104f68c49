import { constants } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { CheckpointError } from "./checkpoint-error.ts";
import { parseSafetensorsHeader, type SafetensorsEntry } from "./safetensors-header.ts";
import { systemError } from "./system-error.ts";

/** The limit of the reference implementation. */
const headerLimit = 100_000_000;

export type SafetensorsFile = {
  readonly path: string;
  /** Bytes of the whole file. */
  readonly size: number;
  /** Where the data begin, in bytes. */
  readonly dataOffset: number;
  readonly tensors: ReadonlyMap<string, SafetensorsEntry>;
};

/** Reads and checks the header of a safetensors file. Throws `CheckpointError`: `not-found`, `io`, `corrupt`. */
export async function openSafetensors(path: string): Promise<SafetensorsFile> {
  return withFile(path, (handle, size) => readHeader(handle, size, path));
}

/** Runs `use` on an open file of `size` bytes, and closes it. System errors become `CheckpointError`. */
export async function withFile<T>(
  path: string,
  use: (handle: FileHandle, size: number) => Promise<T>,
): Promise<T> {
  let handle: FileHandle | undefined;
  try {
    // Without O_NONBLOCK, opening a named pipe would wait for its writer.
    handle = await open(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
    const stat = await handle.stat();
    if (!stat.isFile()) throw new CheckpointError("io", path, "it is not a regular file");
    return await use(handle, stat.size);
  } catch (error) {
    throw systemError(error, path);
  } finally {
    await handle?.close();
  }
}

/** `bytes` bytes from `position`; throws `corrupt` where the file ends before. */
export async function readExactly(
  handle: FileHandle,
  path: string,
  position: number,
  bytes: number,
): Promise<Uint8Array<ArrayBuffer>> {
  const buffer = new Uint8Array(bytes);
  for (let done = 0; done < bytes; ) {
    const { bytesRead } = await handle.read(buffer, done, Math.min(bytes - done, 2 ** 30), position + done);
    if (bytesRead === 0)
      throw new CheckpointError("corrupt", path, `it ends before byte ${position + bytes}`);
    done += bytesRead;
  }
  return buffer;
}

async function readHeader(handle: FileHandle, size: number, path: string): Promise<SafetensorsFile> {
  const corrupt = (reason: string) => new CheckpointError("corrupt", path, reason);
  if (size < 8) throw corrupt(`it has ${size} bytes, expected at least 8`);
  const prefix = await readExactly(handle, path, 0, 8);
  const headerBytes = new DataView(prefix.buffer).getBigUint64(0, true);
  const limit = Math.min(headerLimit, size - 8);
  if (headerBytes > BigInt(limit)) {
    throw corrupt(`it claims a header of ${headerBytes} bytes, expected at most ${limit}`);
  }
  const dataOffset = 8 + Number(headerBytes);
  const header = await readExactly(handle, path, 8, Number(headerBytes));
  return { path, size, dataOffset, tensors: await parseSafetensorsHeader(header, size - dataOffset, path) };
}
