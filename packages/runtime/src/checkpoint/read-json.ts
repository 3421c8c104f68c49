import { CheckpointError } from "./checkpoint-error.ts";
import { readExactly, withFile } from "./safetensors-file.ts";

/** Parses a JSON file of at most `limit` bytes. Throws `CheckpointError`: `not-found`, `io`, `invalid-json`. */
export async function readJson(path: string, limit: number): Promise<unknown> {
  const bytes = await withFile(path, (handle, size) => {
    if (size > limit) {
      throw new CheckpointError("invalid-json", path, `it has ${size} bytes, expected at most ${limit}`);
    }
    return readExactly(handle, path, 0, size);
  });
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (error) {
    throw new CheckpointError(
      "invalid-json",
      path,
      `it is not JSON (${(error as Error).message.slice(0, 200)})`,
      {
        cause: error,
      },
    );
  }
}
