import { DownloadError } from "./download-error.ts";
import { type HubId, isSafePath } from "./hub-id.ts";

/** Where and how to ask. */
export type Hub = {
  /** Without a slash at the end; default: the one of the hub's own library. */
  readonly url?: string | undefined;
  readonly token?: string | undefined;
};

/** A file of a repository, and how to know that it came whole. */
export type HubFile = {
  readonly path: string;
  readonly size: number;
  /** Hex digits of the content's SHA-256, for large files, or of git's object id, which is a SHA-1. */
  readonly sha256: string | undefined;
  readonly gitId: string | undefined;
};

export type HubListing = {
  readonly commit: string;
  readonly files: readonly HubFile[];
};

/** What a checkpoint in the Hugging Face layout needs here. */
const checkpointFile =
  /^(config|generation_config|tokenizer|tokenizer_config|special_tokens_map)\.json$|^chat_template\.(jinja|json)$|^model(-\d+-of-\d+)?\.safetensors$|^model\.safetensors\.index\.json$/;

const filesLimit = 10_000;

/** The commit behind a revision, and what of it is to be downloaded. Throws `DownloadError`. */
export async function listHub(id: HubId, hub: Hub, signal?: AbortSignal): Promise<HubListing> {
  const library = await import("@huggingface/hub");
  const name = `${id.org}/${id.name}`;
  const access = {
    ...(hub.url === undefined ? {} : { hubUrl: hub.url }),
    ...(hub.token === undefined ? {} : { accessToken: hub.token }),
    fetch: (input: string | URL | Request, init?: RequestInit) =>
      fetch(input, { ...init, ...(signal && { signal }) }),
  };
  try {
    const info = await library.modelInfo({
      name,
      revision: id.revision,
      additionalFields: ["sha"],
      ...access,
    });
    const commit = String(info.sha);
    if (!/^[0-9a-f]{40,64}$/.test(commit)) throw new DownloadError(`${name}: the hub names no commit`);
    const files: HubFile[] = [];
    let seen = 0;
    const recursive = id.file?.includes("/") ?? false;
    for await (const entry of library.listFiles({ repo: name, revision: commit, recursive, ...access })) {
      seen += 1;
      if (seen > filesLimit) throw new DownloadError(`${name}: more than ${filesLimit} files`);
      if (entry.type === "file" && isWanted(entry.path, id)) files.push(toFile(entry));
    }
    return { commit, files: checked(files, id) };
  } catch (cause) {
    throw failure(cause, `${name}@${id.revision}`);
  }
}

function isWanted(path: string, { file }: HubId): boolean {
  return isSafePath(path) && (file === undefined ? checkpointFile.test(path) : path === file);
}

type Entry = {
  readonly path: string;
  readonly size: number;
  readonly oid?: string;
  readonly lfs?: { readonly oid: string; readonly size: number };
};

function toFile({ path, size, oid, lfs }: Entry): HubFile {
  const bytes = lfs?.size ?? size;
  if (!Number.isSafeInteger(bytes) || bytes < 0) throw new DownloadError(`${path}: the hub names no size`);
  return {
    path,
    size: bytes,
    sha256: hex(lfs?.oid, 64),
    gitId: lfs === undefined ? hex(oid, 40) : undefined,
  };
}

function hex(text: string | undefined, length: number): string | undefined {
  return text?.length === length && /^[0-9a-f]+$/.test(text) ? text : undefined;
}

function checked(files: readonly HubFile[], { org, name, file }: HubId): readonly HubFile[] {
  if (file !== undefined) {
    if (files.length === 0) throw new DownloadError(`${org}/${name} has no file ${file}`);
    return files;
  }
  const has = (ending: string) => files.some(({ path }) => path.endsWith(ending));
  if (has("config.json") && has(".safetensors")) return files;
  const hint = "name a file of it, as in org/name:file.gguf, if it has GGUF files";
  throw new DownloadError(`${org}/${name} has no config.json with model.safetensors; ${hint}`);
}

function failure(cause: unknown, what: string): DownloadError {
  if (cause instanceof DownloadError) return cause;
  const status = cause instanceof Error && "statusCode" in cause ? cause.statusCode : undefined;
  if (status === 404) return new DownloadError(`${what}: the hub does not know it`, { cause });
  if (status === 401 || status === 403) {
    return new DownloadError(`${what}: the hub asks for access; set HF_TOKEN`, { cause });
  }
  const reason = cause instanceof Error ? (networkReason(cause) ?? cause.message) : String(cause);
  return new DownloadError(`${what}: ${reason}`, { cause });
}

/** `fetch failed` says nothing; what is behind it does. */
export function networkReason(error: Error): string | undefined {
  return error.cause instanceof Error ? error.cause.message : undefined;
}
