import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { DownloadError } from "./download-error.ts";

/** Keeps other processes out of a folder while files are downloaded to it. Throws `DownloadError` where one is there. */
export async function lockFolder(folder: string): Promise<AsyncDisposable> {
  await mkdir(folder, { recursive: true });
  const file = path.join(folder, ".lock");
  for (;;) {
    try {
      await writeFile(file, String(process.pid), { flag: "wx" });
      return { [Symbol.asyncDispose]: () => rm(file, { force: true }) };
    } catch (error) {
      if (!(error instanceof Error && "code" in error && error.code === "EEXIST")) throw error;
    }
    const holder = Number(await readFile(file, "utf8").catch(() => ""));
    if (isAlive(holder)) {
      const hint = `remove ${file} if that is wrong`;
      throw new DownloadError(`process ${holder} is downloading the same model; ${hint}`);
    }
    await rm(file, { force: true });
  }
}

function isAlive(pid: number): boolean {
  if (!Number.isInteger(pid) || pid <= 0 || pid === process.pid) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && "code" in error && error.code === "EPERM";
  }
}
