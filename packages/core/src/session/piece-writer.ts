import type { FileHandle } from "node:fs/promises";
import { sha256 } from "./digest.ts";
import { digestBytes, pieces } from "./session-layout.ts";

/** Appends pieces to a file, behind each the digest of all before. */
export class PieceWriter {
  readonly #file: FileHandle;
  #digest: Uint8Array;
  readonly #signal: AbortSignal | undefined;
  /** Written so far. */
  bytes = 0;

  /** `digest` is the header's. */
  constructor(file: FileHandle, digest: Uint8Array, signal?: AbortSignal) {
    this.#file = file;
    this.#digest = digest;
    this.#signal = signal;
  }

  async write(piece: Uint8Array): Promise<void> {
    this.#signal?.throwIfAborted();
    this.#digest = sha256(this.#digest, piece);
    await this.#file.appendFile(piece);
    await this.#file.appendFile(this.#digest);
    this.bytes += piece.length + digestBytes;
  }

  /** A section that is in memory. */
  async writeAll(section: Uint8Array, itemBytes: number): Promise<void> {
    for (const [first, end] of pieces(section.length / itemBytes, itemBytes)) {
      await this.write(section.subarray(first * itemBytes, end * itemBytes));
    }
  }
}
