import { EngineError } from "../engine-error.ts";
import { received } from "../received.ts";

/** A conversation, by the name and the owner that its requests had. */
export type SessionName = {
  /** 1 to 64 of `A-Z a-z 0-9 . _ -`. */
  readonly session: string;
  /** From whoever is trusted, as in a request. Default "". */
  readonly tenant?: string;
  readonly cacheSalt?: string;
};

export type FileOptions = {
  /** Ends it early: nothing is written, or restored, then. */
  readonly signal?: AbortSignal;
};

export type SessionTarget = SessionName &
  FileOptions & {
    /** The file; its folder exists. */
    readonly path: string;
  };

/** What was written to a file, or read from one. */
export type SavedSession = {
  readonly tokens: number;
  readonly bytes: number;
  readonly milliseconds: number;
};

export type RestoredSession = SavedSession;

/** The same of all prefixes of a cache; tokens that they share are counted once. */
export type SavedCache = SavedSession & { readonly entries: number };

/** @throws EngineError (`invalid-request`) that names the field */
export function checkSessionName({ session, tenant, cacheSalt }: SessionName): void {
  require(isMatch(session, /^[A-Za-z0-9._-]{1,64}$/), "session", "1 to 64 of A-Z a-z 0-9 . _ -", session);
  requireText(tenant, "tenant");
  requireText(cacheSalt, "cacheSalt");
}

/** @throws EngineError (`invalid-request`) */
export function checkPath(path: unknown): void {
  require(isMatch(path, /^[^\0]+$/), "path", "the path of a file", path);
}

/** @throws EngineError (`invalid-request`) */
export function checkFileOptions({ signal }: FileOptions): void {
  require(signal === undefined || signal instanceof AbortSignal, "signal", "an AbortSignal", signal);
}

function requireText(value: unknown, field: string): void {
  const holds = value === undefined || (typeof value === "string" && value.length <= 512);
  require(holds, field, "a string of up to 512 characters", value);
}

function isMatch(value: unknown, pattern: RegExp): boolean {
  return typeof value === "string" && pattern.test(value);
}

function require(holds: boolean, field: string, expected: string, value: unknown): void {
  if (holds) return;
  throw new EngineError(
    "invalid-request",
    `${field}: expected ${expected}, received ${received(value)}`,
    field,
  );
}
