import { statfs } from "node:fs/promises";
import path from "node:path";
import type { LoadProgress } from "@kvasir/core";
import { formatBytes } from "../quantity.ts";
import { DownloadError } from "./download-error.ts";
import { downloadFile } from "./download-file.ts";
import { lockFolder } from "./download-lock.ts";
import type { HubId } from "./hub-id.ts";
import { type Hub, type HubListing, listHub } from "./hub-listing.ts";
import type { ModelCache } from "./model-cache.ts";

export type ModelDownload = {
  readonly id: HubId;
  readonly cache: ModelCache;
  readonly hub: Hub;
  readonly onProgress: (progress: LoadProgress) => void;
  readonly signal?: AbortSignal;
};

/** Downloads what of a model is not there yet, and returns the path that the engine loads. Throws `DownloadError`. */
export async function downloadModel({ id, cache, hub, onProgress, signal }: ModelDownload): Promise<string> {
  const listing = await listHub(id, hub, signal);
  const folder = cache.folderOf(id, listing.commit);
  await using _lock = await lockFolder(path.dirname(folder));
  await checkRoom(path.dirname(folder), listing);
  const base = `${hub.url ?? (await import("@huggingface/hub")).HUB_URL}/${id.org}/${id.name}/resolve/${listing.commit}`;
  const bytesTotal = listing.files.reduce((sum, { size }) => sum + size, 0);
  let before = 0;
  for (const file of listing.files) {
    await downloadFile({
      url: `${base}/${file.path.split("/").map(encodeURIComponent).join("/")}`,
      file,
      target: path.join(folder, file.path),
      token: hub.token,
      signal,
      onProgress: (bytes) => onProgress({ bytesDone: before + bytes, bytesTotal }),
    });
    before += file.size;
  }
  await cache.remember(id, listing);
  return cache.pathOf(id, listing.commit);
}

async function checkRoom(folder: string, { files }: HubListing): Promise<void> {
  const needed = files.reduce((sum, { size }) => sum + size, 0);
  const { bavail, bsize } = await statfs(folder);
  if (needed <= bavail * bsize) return;
  throw new DownloadError(
    `${formatBytes(needed)} are needed in ${folder}, which has ${formatBytes(bavail * bsize)}`,
  );
}
