import { mkdtempSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import type { SavedPrefix } from "../../src/session/plan-entries.ts";
import { restorePrefixes } from "../../src/session/restore-prefixes.ts";
import type { SessionHeader } from "../../src/session/session-header.ts";
import { writeSessionFile } from "../../src/session/write-session-file.ts";
import type { SmallCache } from "./small-cache.ts";

type Kind = SessionHeader["kind"];

/** A folder of a test's own, and a file in it to save to. */
export class SessionFolder {
  readonly path: string = mkdtempSync(path.join(os.tmpdir(), "kvasir-sessions-"));
  file: string = path.join(this.path, "chat.kv");

  save(cache: SmallCache, prefixes: readonly SavedPrefix[], kind: Kind = "cache") {
    const { format, memory } = cache;
    return writeSessionFile(this.file, { kind, format, prefixes, memory });
  }

  restore(cache: SmallCache, kind: Kind = "cache") {
    return restorePrefixes(this.file, { kind, format: cache.format }, cache.staging());
  }

  remove(): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}
