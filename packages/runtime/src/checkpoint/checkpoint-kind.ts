import { stat } from "node:fs/promises";
import { CheckpointError } from "./checkpoint-error.ts";
import { readExactly, withFile } from "./safetensors-file.ts";
import { systemError } from "./system-error.ts";

/** Whether a path is a folder or a GGUF file, known by its first bytes. Throws `CheckpointError` where neither. */
export async function checkpointKind(path: string): Promise<"folder" | "gguf"> {
  const found = await stat(path).catch((error) => {
    const failure = systemError(error, path);
    if (!(failure instanceof CheckpointError) || failure.code !== "not-found") throw failure;
    throw new CheckpointError("not-found", path, "there is no such folder or file", { cause: error });
  });
  if (found.isDirectory()) return "folder";
  if (found.isFile() && (await beginsAsGguf(path))) return "gguf";
  const reason = "expected a folder with config.json and weights, or a GGUF file";
  throw new CheckpointError("not-a-directory", path, reason);
}

async function beginsAsGguf(path: string): Promise<boolean> {
  return withFile(path, async (handle, size) => {
    if (size < 4) return false;
    return Buffer.from(await readExactly(handle, path, 0, 4)).toString("latin1") === "GGUF";
  });
}
