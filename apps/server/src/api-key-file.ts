import { readFile, stat } from "node:fs/promises";
import { type ApiKey, ApiKeys } from "./api-keys.ts";

const sizeLimit = 1024 * 1024;

/**
 * Reads keys from a file, one a line: `name:key`, or a key alone, which is named after its line. Empty lines and those
 * that begin with `#` say nothing. Throws an error that names file and line, and no key.
 */
export async function readApiKeyFile(path: string): Promise<readonly ApiKey[]> {
  const { size } = await stat(path);
  if (size > sizeLimit) throw new Error(`${path}: expected at most ${sizeLimit} bytes of keys`);
  const keys: ApiKey[] = [];
  for (const [at, line] of (await readFile(path, "utf8")).split(/\r?\n/).entries()) {
    const text = line.trim();
    if (text === "" || text.startsWith("#")) continue;
    const colon = text.indexOf(":");
    const key =
      colon === -1
        ? { name: `line${at + 1}`, key: text }
        : { name: text.slice(0, colon).trim(), key: text.slice(colon + 1).trim() };
    try {
      new ApiKeys([key]);
      keys.push(key);
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause);
      throw new Error(`${path}:${at + 1}: ${reason}`, { cause });
    }
  }
  if (keys.length === 0) throw new Error(`${path}: expected at least one key`);
  return keys;
}
