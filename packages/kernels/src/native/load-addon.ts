import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { KernelError } from "../kernel-error.ts";
import { abiVersion, type NativeAddon } from "./addon.ts";

const require = createRequire(import.meta.url);
const platform = `${process.platform}-${process.arch}`;

/**
 * Loads the native binary. In order: the file that the environment's `KVASIR_NATIVE` names, and then no
 * other; the local build of this package; the package built for this platform.
 * Throws `KernelError` (`unsupported`) with every attempt, why it failed, and what to do.
 */
export function loadAddon(): NativeAddon {
  const { root, version } = ownPackage();
  const named = process.env.KVASIR_NATIVE;
  const local = join(root, "build", "Release", "kvasir.node");
  const attempts: Attempt[] = named
    ? [{ what: `KVASIR_NATIVE=${named}`, load: () => require(resolve(named)) }]
    : [
        { what: `the local build ${local}`, load: () => loadLocal(local) },
        { what: `the package for ${platform}`, load: loadPlatformPackage },
      ];
  const failures: string[] = [];
  for (const { what, load } of attempts) {
    try {
      return checked(load(), version);
    } catch (error) {
      failures.push(`${what}: ${reason(error)}`);
    }
  }
  throw new KernelError("unsupported", report(failures, version));
}

type Attempt = { readonly what: string; readonly load: () => unknown };

function loadLocal(path: string): unknown {
  if (!existsSync(path)) throw new Error("there is none");
  return require(path);
}

/** One line for each package that is published; the names stay literal so that bundlers see them. */
function loadPlatformPackage(): unknown {
  switch (platform) {
    case "linux-x64":
      return require("@kvasir/kernels-linux-x64");
    default:
      throw new Error("none is published");
  }
}

/** Read only for messages: the report of the process takes milliseconds. */
function libc(): string {
  if (process.platform !== "linux") return "";
  const { header } = process.report.getReport() as { header: { glibcVersionRuntime?: string } };
  return header.glibcVersionRuntime === undefined ? " (not glibc)" : ` (glibc ${header.glibcVersionRuntime})`;
}

function checked(binary: unknown, version: string): NativeAddon {
  const addon = binary as NativeAddon;
  if (addon.abiVersion !== abiVersion) {
    throw new Error(`its ABI version is ${addon.abiVersion}; this package needs ${abiVersion}`);
  }
  if (addon.version !== version) {
    throw new Error(`it belongs to version ${addon.version}; this package is ${version}`);
  }
  return addon;
}

function reason(error: unknown): string {
  const { code, message } = error as { code?: string; message: string };
  return code === "MODULE_NOT_FOUND" ? "not found" : message.split("\n", 1)[0]!;
}

function report(failures: readonly string[], version: string): string {
  return [
    `the native kernels cannot be loaded on ${platform}${libc()} with Node ${process.versions.node}. Tried:`,
    ...failures.map((failure) => `  - ${failure}`),
    "What to do:",
    `  1. Install with optional dependencies, so that @kvasir/kernels-<platform> ${version} comes along.`,
    "  2. In a checkout of the repository, with a C++ compiler: npm run build.",
    '  3. Or go without them, slowly: openDevice({ backend: "interpreter" }).',
  ].join("\n");
}

/** This package's folder and version, from `src/native/` as well as from `dist/`. */
function ownPackage(): { root: string; version: string } {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, "package.json")) && folder !== dirname(folder)) folder = dirname(folder);
  const file = join(folder, "package.json");
  const { name, version } = JSON.parse(readFileSync(file, "utf8")) as { name: string; version: string };
  if (name !== "@kvasir/kernels") {
    throw new KernelError(
      "unsupported",
      `@kvasir/kernels cannot be bundled: ${file} is not its package.json`,
    );
  }
  return { root: folder, version };
}
