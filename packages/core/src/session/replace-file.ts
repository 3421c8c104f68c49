import { type FileHandle, open, rename } from "node:fs/promises";
import path from "node:path";
import { temporaryFile } from "./temporary-file.ts";

/**
 * Puts a new file in the place of `target`, or none: readers, and whoever comes after a crash or a `kill -9`, see the old
 * one whole or the new one whole. Only the user may read it. Throws what `write` or the file system does; nothing is left then.
 */
export async function replaceFile<T>(target: string, write: (file: FileHandle) => Promise<T>): Promise<T> {
  const directory = path.dirname(path.resolve(target));
  const temporary = await temporaryFile(directory, path.basename(target));
  try {
    const result = await write(temporary.file);
    await temporary.file.sync();
    await temporary.close();
    await rename(temporary.path, target);
    await syncDirectory(directory);
    return result;
  } finally {
    await temporary.remove();
  }
}

/** Makes the new name last; Windows cannot open folders, and does not need it. */
async function syncDirectory(directory: string): Promise<void> {
  if (process.platform === "win32") return;
  const folder = await open(directory, "r");
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
