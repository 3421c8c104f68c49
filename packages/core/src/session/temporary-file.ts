import { createHash, randomBytes } from "node:crypto";
import { type FileHandle, open, readdir, rm, stat } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { threadId } from "node:worker_threads";

/** Where the owner cannot be asked whether it still writes: after so long without a write, nobody does. */
const abandonedMilliseconds = 3_600_000;

const host = createHash("sha256").update(os.hostname()).digest("hex").slice(0, 8);
const pattern = /^\.(.+)\.([0-9a-f]{8})-(\d+)-(\d+)-[0-9a-f]{16}\.partial$/;

/** Paths of this thread's own files that are still in use. */
const inUse = new Set<string>();

/** A file that only its owner may read, and that nobody else has open, beside or instead of another. */
export type TemporaryFile = {
  readonly path: string;
  readonly file: FileHandle;
  /** Idempotent. */
  close(): Promise<void>;
  /** Closes it, and removes it where it still is. Idempotent. */
  remove(): Promise<void>;
};

/** Makes an empty file in `directory` with a name that begins with a dot and `name`, after removing what killed processes left. */
export async function temporaryFile(directory: string, name: string): Promise<TemporaryFile> {
  await removeLeftovers(directory, name);
  const random = randomBytes(8).toString("hex");
  const place = path.join(directory, `.${name}.${host}-${process.pid}-${threadId}-${random}.partial`);
  inUse.add(place);
  try {
    const file = await open(place, "wx+", 0o600);
    let closed = false;
    const close = async () => {
      if (closed) return;
      closed = true;
      await file.close();
    };
    const remove = async () => {
      try {
        await close();
      } finally {
        if (inUse.has(place)) await rm(place, { force: true });
        inUse.delete(place);
      }
    };
    return { path: place, file, close, remove };
  } catch (error) {
    inUse.delete(place);
    throw error;
  }
}

/** Removes files that {@link temporaryFile} made for `name` in processes that are no more. */
async function removeLeftovers(directory: string, name: string): Promise<void> {
  for (const entry of await readdir(directory)) {
    const [, owner, madeOn, pid, thread] = pattern.exec(entry) ?? [];
    if (owner !== name) continue;
    const place = path.join(directory, entry);
    const ours = madeOn === host && Number(pid) === process.pid;
    const left =
      ours && Number(thread) === threadId
        ? !inUse.has(place)
        : madeOn === host && !ours
          ? !runs(Number(pid))
          : await isOld(place);
    if (left) await rm(place, { force: true });
  }
}

function runs(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

async function isOld(place: string): Promise<boolean> {
  const { mtimeMs } = await stat(place).catch(() => ({ mtimeMs: Number.POSITIVE_INFINITY }));
  return Date.now() - mtimeMs > abandonedMilliseconds;
}
