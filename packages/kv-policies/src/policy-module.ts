import { execFile } from "node:child_process";
import { stat } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { resolve } from "import-meta-resolve";
import { PolicyError } from "./errors.ts";

/** Whether it is the path of a file rather than the name of a policy or a package. */
export function isPath(specifier: string): boolean {
  return /^\.{1,2}([\\/]|$)/.test(specifier) || path.isAbsolute(specifier);
}

/**
 * The URL of the file that a path or a package's name stands for.
 * @throws PolicyError `NOT_FOUND`
 */
export async function locateModule(specifier: string, from: string): Promise<string> {
  if (!isPath(specifier)) return locatePackage(specifier, from);
  const file = path.resolve(from, specifier);
  const found = await stat(file).catch(() => undefined);
  if (!found) throw notFound(specifier, `there is no file ${file}.`);
  if (!found.isFile()) throw notFound(specifier, `${file} is no file; name the one in it.`);
  return pathToFileURL(file).href;
}

function locatePackage(specifier: string, from: string): string {
  try {
    return resolve(specifier, pathToFileURL(path.join(from, "any.js")).href);
  } catch (error) {
    const message = `no installed package gives it to ${from}: ${reasonOf(error)}`;
    throw notFound(specifier, message, error);
  }
}

function notFound(specifier: string, message: string, cause?: unknown): PolicyError {
  return new PolicyError("NOT_FOUND", specifier, message, { cause });
}

/**
 * Imports a module.
 * @throws PolicyError `IMPORT_FAILED`, with the place of an error of syntax
 */
export async function importModule(
  specifier: string,
  url: string,
): Promise<Readonly<Record<string, unknown>>> {
  try {
    return await import(url);
  } catch (error) {
    const place = error instanceof SyntaxError ? await placeOfSyntaxError(url) : undefined;
    const message = `it does not load: ${reasonOf(error)}${place ? `, at ${place}` : ""}`;
    throw new PolicyError("IMPORT_FAILED", specifier, message, { cause: error });
  }
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if ("code" in error && error.code === "ERR_UNKNOWN_FILE_EXTENSION")
    return `${error.message}; Node.js ${process.version} runs JavaScript (.js, .mjs) alone`;
  return error.message;
}

/** Asks Node: an error of syntax in an ES module does not say by itself where it is. */
function placeOfSyntaxError(url: string): Promise<string | undefined> {
  return new Promise((resolvePlace) => {
    if (!url.startsWith("file:")) return resolvePlace(undefined);
    execFile(process.execPath, ["--check", fileURLToPath(url)], (_, __, stderr) => {
      const line = /^(?:file:\/\/)?(\S.*:\d+)$/m.exec(stderr)?.[1];
      resolvePlace(line);
    });
  });
}
