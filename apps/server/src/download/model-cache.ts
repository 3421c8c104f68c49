import { mkdir, readFile, rename, stat, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import type { HubId } from "./hub-id.ts";
import type { HubListing } from "./hub-listing.ts";

/** Models that were downloaded: `org/commit/name/...`, so that the last part of a model's path is its name. */
export class ModelCache {
  readonly #root: string;

  constructor(root: string) {
    this.#root = root;
  }

  folderOf({ org, name }: HubId, commit: string): string {
    return path.join(this.#root, org, commit, name);
  }

  /** What the engine loads. */
  pathOf(id: HubId, commit: string): string {
    const folder = this.folderOf(id, commit);
    return id.file === undefined ? folder : path.join(folder, id.file);
  }

  /** The path of a model all of whose files are there; undefined where one lacks. Asks nobody. */
  async find(id: HubId): Promise<string | undefined> {
    const listing = await this.#read(this.#listingPath(id));
    if (listing === undefined) return undefined;
    const folder = this.folderOf(id, listing.commit);
    for (const { path: file, size } of listing.files) {
      const found = await stat(path.join(folder, file)).catch(() => undefined);
      if (found?.size !== size) return undefined;
    }
    return this.pathOf(id, listing.commit);
  }

  /** To be called once all files are there. */
  async remember(id: HubId, listing: HubListing): Promise<void> {
    const file = this.#listingPath(id);
    await mkdir(path.dirname(file), { recursive: true });
    await writeFile(`${file}.${process.pid}`, JSON.stringify(listing));
    await rename(`${file}.${process.pid}`, file);
  }

  /** One for each revision and file that was asked for. */
  #listingPath({ org, name, revision, file = "" }: HubId): string {
    const asked = encodeURIComponent(`${name}@${revision}:${file}`);
    return path.join(this.#root, org, "listings", `${asked}.json`);
  }

  async #read(file: string): Promise<HubListing | undefined> {
    const text = await readFile(file, "utf8").catch(() => undefined);
    if (text === undefined) return undefined;
    try {
      const { commit, files } = JSON.parse(text) as Partial<HubListing>;
      return typeof commit === "string" && Array.isArray(files) ? { commit, files } : undefined;
    } catch {
      return undefined; // written by another hand: as good as none
    }
  }
}

/** `$HF_HOME/kvasir`, or `~/.cache/kvasir`. */
export function defaultModelCache(environment: Readonly<Record<string, string | undefined>>): string {
  const { HF_HOME, XDG_CACHE_HOME } = environment;
  if (HF_HOME) return path.join(HF_HOME, "kvasir");
  return path.join(XDG_CACHE_HOME || path.join(os.homedir(), ".cache"), "kvasir");
}
