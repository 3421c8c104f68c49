import { lstat } from "node:fs/promises";
import path from "node:path";
import { ApiError } from "../api-error.ts";
import { invalidValue } from "../request-error.ts";

const namePattern = /^(?!\.)[A-Za-z0-9._-]{1,128}$/;

/**
 * The path of a file that a request names, in the one folder where such files are. Throws an `ApiError` that names
 * `filename`: 403 where the server has no such folder, 400 for a name that could lead out of it and for what is not a
 * plain file, 404 for one that is not there and should be.
 */
export async function saveFile(
  folder: string | undefined,
  filename: unknown,
  use: "read" | "write",
): Promise<string> {
  if (folder === undefined) {
    throw new ApiError(403, "saving_disabled", "files are off: start the server with --slot-save-path");
  }
  if (typeof filename !== "string" || !namePattern.test(filename)) {
    throw invalidValue("filename", "expected 1 to 128 of A-Z a-z 0-9 . _ -, not beginning with a dot");
  }
  const file = path.join(folder, filename);
  // Of the link itself: what it points to may lie anywhere.
  const found = await lstat(file).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return undefined;
    throw error;
  });
  if (found !== undefined && !found.isFile()) throw invalidValue("filename", "expected a plain file");
  if (found === undefined && use === "read") {
    const message = `filename: there is no file ${filename}`;
    throw new ApiError(404, "file_not_found", message, { param: "filename" });
  }
  return file;
}
