import { readFile, stat } from "node:fs/promises";
import path from "node:path";
import { parse, YAMLParseError } from "yaml";
import { SettingError } from "./setting-error.ts";

const sizeLimit = 1024 * 1024;

/** A value of the file, as the flags take it: one text, or several for a flag that is repeatable. */
export type FileValue = string | readonly string[];

/**
 * Reads a file of settings, one key for each, without nesting: YAML (`.yaml`, `.yml`) or JSON (`.json`). Throws
 * `SettingError` for what is not that.
 */
export async function readConfigFile(file: string): Promise<ReadonlyMap<string, FileValue>> {
  const text = await readText(file);
  const value = parseText(file, text);
  if (value === null || value === undefined) return new Map();
  if (typeof value !== "object" || Array.isArray(value)) {
    throw new SettingError(`${file}: expected keys with values`);
  }
  return new Map(Object.entries(value).map(([key, each]) => [key, toValue(file, key, each)]));
}

async function readText(file: string): Promise<string> {
  try {
    const { size } = await stat(file);
    if (size > sizeLimit) throw new SettingError(`${file}: expected at most ${sizeLimit} bytes`);
    return await readFile(file, "utf8");
  } catch (cause) {
    if (cause instanceof SettingError) throw cause;
    throw new SettingError(`--config: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
  }
}

function parseText(file: string, text: string): unknown {
  const extension = path.extname(file).toLowerCase();
  try {
    if (extension === ".json") return JSON.parse(text);
    if (extension === ".yaml" || extension === ".yml") return parse(text, { maxAliasCount: 0 });
  } catch (cause) {
    if (
      !(cause instanceof SyntaxError || cause instanceof YAMLParseError || cause instanceof ReferenceError)
    ) {
      throw cause;
    }
    // The rest of the message quotes the file, which may hold keys.
    throw new SettingError(`${file}: ${place(cause)}not valid ${extension === ".json" ? "JSON" : "YAML"}`, {
      cause,
    });
  }
  throw new SettingError(`${file}: expected a name that ends in .yaml, .yml or .json`);
}

function place(error: Error): string {
  const line = error instanceof YAMLParseError ? error.linePos?.[0].line : undefined;
  return line === undefined ? "" : `line ${line}: `;
}

function toValue(file: string, key: string, value: unknown): FileValue {
  if (Array.isArray(value)) return value.map((each) => toText(file, key, each));
  return toText(file, key, value);
}

function toText(file: string, key: string, value: unknown): string {
  if (typeof value === "string" || typeof value === "boolean" || Number.isFinite(value)) return String(value);
  throw new SettingError(`${file}: ${key.slice(0, 80)}: expected a text, a number, true or false`);
}
