import type { FileHandle } from "node:fs/promises";
import { sha256 } from "./digest.ts";
import { digestBytes } from "./session-layout.ts";
import { SessionRefused } from "./session-refused.ts";

/** Reads pieces and verifies each before anybody sees it. */
export class PieceReader {
  readonly #file: FileHandle;
  #digest: Uint8Array;
  #position: number;
  #buffer = Buffer.alloc(0);

  /** `digest` is the header's, `position` where the first piece begins. */
  constructor(file: FileHandle, digest: Uint8Array, position: number) {
    this.#file = file;
    this.#digest = Uint8Array.from(digest);
    this.#position = position;
  }

  /** Where the next piece begins. */
  get position(): number {
    return this.#position;
  }

  /** Of all before it. */
  get digest(): Uint8Array {
    return this.#digest;
  }

  /** The next piece; valid until the next call. @throws SessionRefused where it is not what was written */
  async read(bytes: number): Promise<Buffer> {
    const length = bytes + digestBytes;
    if (this.#buffer.length < length) this.#buffer = Buffer.alloc(length);
    await readFully(this.#file, this.#buffer.subarray(0, length), this.#position);
    const piece = this.#buffer.subarray(0, bytes);
    const digest = sha256(this.#digest, piece);
    if (!digest.equals(this.#buffer.subarray(bytes, length))) {
      throw new SessionRefused(
        "corrupt",
        `the file is damaged between bytes ${this.#position} and ${this.#position + length}`,
      );
    }
    this.#digest = digest;
    this.#position += length;
    return piece;
  }
}

/** Fills `target` from a place in a file. @throws SessionRefused where the file ends before, or cannot be read */
export async function readFully(file: FileHandle, target: Uint8Array, position: number): Promise<void> {
  for (let done = 0; done < target.length; ) {
    const { bytesRead } = await file
      .read(target, done, target.length - done, position + done)
      .catch((cause) => {
        throw new SessionRefused("corrupt", "the file cannot be read", { cause });
      });
    if (bytesRead === 0) throw new SessionRefused("corrupt", "the file ends too early");
    done += bytesRead;
  }
}
