import { mkdir, open, readFile, rename, stat, writeFile } from "node:fs/promises";
import path from "node:path";
import type { JsonValue } from "./figure.ts";
import {
  type Circumstances,
  decodeSavedPart,
  encodeSavedPart,
  type SavedPart,
  sameCircumstances,
} from "./saved-part.ts";

/** Results of this many parts would be longer than any run. */
const largestBytes = 256 * 2 ** 20;

/** The finished parts of runs under the same circumstances, in a file of one line each or in memory. */
export class SavedParts {
  readonly circumstances: Circumstances;
  readonly #file: string | undefined;
  readonly #parts = new Map<string, SavedPart>();

  private constructor(circumstances: Circumstances, file: string | undefined) {
    this.circumstances = circumstances;
    this.#file = file;
  }

  /** Nothing saved, and nothing that will be. */
  static none(circumstances: Circumstances): SavedParts {
    return new SavedParts(circumstances, undefined);
  }

  /**
   * What an earlier run has left in a file, if it is there; its folder is made. A line that is torn or was altered is
   * ignored, and so is one of other circumstances; the last of several for one part counts. Throws `Error` where the
   * file cannot be read, or could not be one of these.
   *
   * @param onWarning told of every line that is ignored because of what is wrong with it
   */
  static async open(
    file: string,
    circumstances: Circumstances,
    onWarning: (warning: string) => void,
  ): Promise<SavedParts> {
    const saved = new SavedParts(circumstances, file);
    await mkdir(path.dirname(file), { recursive: true });
    for (const { part, problem, number } of await linesOf(file)) {
      if (part === undefined) {
        onWarning(`${file}, line ${number}: ${problem}; its part counts as not measured`);
      } else if (sameCircumstances(part, circumstances)) saved.#parts.set(idOf(part.figure, part.key), part);
    }
    return saved;
  }

  find(figure: string, key: string): SavedPart | undefined {
    return this.#parts.get(idOf(figure, key));
  }

  /** Keeps a part that is finished; it is on the disk when this returns. */
  async add(figure: string, key: string, seconds: number, result: JsonValue): Promise<SavedPart> {
    const date = new Date().toISOString();
    const part = { ...this.circumstances, figure, key, date, seconds, result };
    this.#parts.set(idOf(figure, key), part);
    if (this.#file === undefined) return part;
    const file = await open(this.#file, "a+");
    try {
      // What an interruption may have left torn must not take this line with it.
      const { size } = await file.stat();
      const last = size > 0 ? (await file.read(Buffer.alloc(1), 0, 1, size - 1)).buffer.toString() : "\n";
      await file.appendFile(`${last === "\n" ? "" : "\n"}${encodeSavedPart(part)}`);
      await file.sync();
    } finally {
      await file.close();
    }
    return part;
  }

  /** Removes what is saved of figures, under whatever circumstances. */
  async forget(figures: readonly string[]): Promise<void> {
    for (const [id, { figure }] of this.#parts) if (figures.includes(figure)) this.#parts.delete(id);
    if (this.#file === undefined) return;
    const kept = (await linesOf(this.#file)).flatMap(({ part }) =>
      part && !figures.includes(part.figure) ? [encodeSavedPart(part)] : [],
    );
    await writeFile(`${this.#file}.new`, kept.join(""));
    await rename(`${this.#file}.new`, this.#file);
  }
}

const idOf = (figure: string, key: string) => JSON.stringify([figure, key]);

type Line = { readonly number: number; readonly part?: SavedPart; readonly problem?: string };

async function linesOf(file: string): Promise<readonly Line[]> {
  const found = await stat(file).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return undefined;
    throw error;
  });
  if (!found) return [];
  if (!found.isFile()) throw new Error(`${file}: expected a file of saved parts`);
  if (found.size > largestBytes) {
    throw new Error(`${file}: expected saved parts of at most ${largestBytes} bytes, received ${found.size}`);
  }
  const lines = (await readFile(file, "utf8")).split("\n");
  return lines.flatMap((line, i): Line[] => {
    if (line === "") return [];
    try {
      return [{ number: i + 1, part: decodeSavedPart(line) }];
    } catch (error) {
      return [{ number: i + 1, problem: (error as Error).message }];
    }
  });
}
