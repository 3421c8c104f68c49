import { constants } from "node:fs";
import { open } from "node:fs/promises";
import { GgufError, systemError } from "./gguf-error.ts";

/** Where a reader takes its bytes from. */
export type ByteSource = {
  readonly path: string;
  /** Bytes of the whole file. */
  readonly size: number;
  /** Fills `into` with the bytes from `position`, which the caller knows to be below `size`. */
  readonly read: (into: Uint8Array, position: number) => Promise<void>;
};

/** Runs `use` on a regular file and closes it. Failures of the system become `GgufError`. */
export async function withFile<T>(path: string, use: (source: ByteSource) => Promise<T>): Promise<T> {
  try {
    // Without O_NONBLOCK, opening a named pipe would wait for its writer.
    const file = await open(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
    try {
      const stat = await file.stat();
      if (!stat.isFile()) throw new GgufError("io", path, "it is not a regular file");
      const read = async (into: Uint8Array, position: number) => {
        for (let done = 0; done < into.length; ) {
          const { bytesRead } = await file.read(into, done, into.length - done, position + done);
          // Someone cut the file after its size was taken.
          if (bytesRead === 0) throw new GgufError("truncated", path, `it ends at byte ${position + done}`);
          done += bytesRead;
        }
      };
      return await use({ path, size: stat.size, read });
    } finally {
      await file.close();
    }
  } catch (error) {
    throw systemError(error, path, "read");
  }
}

/** A file that is in memory. */
export function bytesSource(bytes: Uint8Array, path = "bytes"): ByteSource {
  const read = async (into: Uint8Array, position: number) => {
    into.set(bytes.subarray(position, position + into.length));
  };
  return { path, size: bytes.length, read };
}
