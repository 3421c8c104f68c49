import { readFile, stat } from "node:fs/promises";
import { type Body, type Session, singleRequest, type Workload } from "./workload.ts";

const largestFile = 512 * 2 ** 20;

/** The bodies of a file, in their order, and from the first again. */
export class FileWorkload implements Workload {
  readonly #bodies: readonly Body[];

  private constructor(bodies: readonly Body[]) {
    this.#bodies = bodies;
  }

  /** Reads JSON lines, 512 MiB at most; empty lines are skipped. Throws an error that names file and line. */
  static async read(file: string): Promise<FileWorkload> {
    const { size } = await stat(file);
    if (size > largestFile)
      throw new RangeError(`${file}: expected at most ${largestFile} bytes, received ${size}`);
    const lines = (await readFile(file, "utf8")).split("\n");
    const bodies = lines.flatMap((line, i) =>
      line.trim() === "" ? [] : [bodyOf(line, `${file}, line ${i + 1}`)],
    );
    if (bodies.length === 0) throw new RangeError(`${file}: expected a JSON object in a line, received none`);
    return new FileWorkload(bodies);
  }

  session(index: number): Session {
    const body = this.#bodies[index % this.#bodies.length]!;
    return singleRequest("file", { content: { kind: "body", body }, scope: "file" });
  }
}

function bodyOf(line: string, where: string): Body {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch (cause) {
    throw new RangeError(`${where}: expected a JSON object, received ${JSON.stringify(line.slice(0, 40))}`, {
      cause,
    });
  }
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw new RangeError(`${where}: expected a JSON object, received ${line.slice(0, 40)}`);
  if (!("prompt" in value || "messages" in value))
    throw new RangeError(`${where}: expected a body with prompt or messages, received neither`);
  return value as Body;
}
