import { CheckpointError } from "./checkpoint-error.ts";

/** What a failed system call on `path` means for a checkpoint; other errors come back as they are. */
export function systemError(error: unknown, path: string): unknown {
  if (!(error instanceof Error) || !("syscall" in error)) return error;
  const { code } = error as NodeJS.ErrnoException;
  if (code === "ENOENT" || code === "ENOTDIR") {
    return new CheckpointError("not-found", path, "there is no such file", { cause: error });
  }
  return new CheckpointError("io", path, `cannot be read (${code})`, { cause: error });
}
