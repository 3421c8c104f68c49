import { execFile } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

export const repository = fileURLToPath(new URL("../../../", import.meta.url));
export const execute = promisify(execFile);

/** A package of the workspace as its users get it. */
export type PackedPackage = {
  readonly tarball: string;
  /** What is in the tarball, on disk. */
  readonly folder: string;
  /** Paths inside `folder`, with slashes. */
  readonly files: readonly string[];
  readonly manifest: Manifest;
};

export type Manifest = {
  readonly name: string;
  readonly version: string;
  readonly files: readonly string[];
  /** A file, or a file for each condition. */
  readonly exports: Record<string, string | Record<string, string>>;
  readonly bin?: Record<string, string>;
  readonly dependencies?: Record<string, string>;
  readonly optionalDependencies?: Record<string, string>;
};

/** Packs every package that is published, by name. Throws where one is not built. */
export async function packWorkspace(scratch: string): Promise<Map<string, PackedPackage>> {
  const pnpm = path.join(repository, "node_modules", "pnpm", "bin", "pnpm.cjs");
  const args = ["--recursive", "pack", "--json", "--pack-destination", scratch];
  const { stdout } = await execute(process.execPath, [pnpm, ...args], { cwd: repository });
  const packed = new Map<string, PackedPackage>();
  for (const { name, filename } of JSON.parse(stdout) as { name: string; filename: string }[]) {
    const folder = path.join(scratch, "unpacked", name);
    mkdirSync(folder, { recursive: true });
    await execute("tar", ["-xzf", filename, "-C", folder, "--strip-components=1"]);
    const manifest = JSON.parse(readFileSync(path.join(folder, "package.json"), "utf8")) as Manifest;
    const files = readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => path.relative(folder, path.join(entry.parentPath, entry.name)).replaceAll("\\", "/"));
    if (manifest.files.includes("dist") && !files.includes("dist/index.js")) {
      throw new Error(
        `${name} has no dist/index.js: it is packed as it is built, so "npm run build" comes first`,
      );
    }
    packed.set(name, { tarball: filename, folder, files, manifest });
  }
  return packed;
}

/** The package and all packages of the workspace that it needs. */
export function withDependencies(packed: ReadonlyMap<string, PackedPackage>, name: string): PackedPackage[] {
  const found = new Set([name]);
  for (const each of found) {
    const { dependencies, optionalDependencies } = packed.get(each)!.manifest;
    for (const other of Object.keys({ ...dependencies, ...optionalDependencies })) {
      // A platform's package without its binary was not built on this machine, and no user gets one like it.
      if (packed.get(other) && isWhole(packed.get(other)!)) found.add(other);
    }
  }
  return [...found].map((each) => packed.get(each)!);
}

/** Whether all that the package lists in `files` is in it. */
export function isWhole({ manifest, folder }: PackedPackage): boolean {
  return manifest.files.every((file) => existsSync(path.join(folder, file)));
}

/** Installs packages into a new folder with npm, and with no other package of the workspace. Returns the folder. */
export async function installPacked(packages: readonly PackedPackage[], scratch: string): Promise<string> {
  const folder = mkdtempSync(path.join(scratch, "user-"));
  const tarballs = packages.map(({ tarball }) => tarball);
  const quiet = ["--no-audit", "--no-fund", "--no-update-notifier", "--loglevel=error"];
  const quick = ["--prefer-offline", "--ignore-scripts", "--omit=optional"];
  // Without a network, npm would wait for minutes.
  const retries = ["--fetch-retries=1", "--fetch-retry-mintimeout=1000", "--fetch-retry-maxtimeout=1000"];
  // Inside of npm test, npm would take the repository for the folder.
  await execute("npm", ["install", "--prefix", folder, ...quiet, ...quick, ...retries, ...tarballs], {
    cwd: folder,
  });
  return folder;
}

/** Whether an install failed for want of a network, and for nothing that a package could have wrong. */
export function isOffline(error: unknown): boolean {
  const { stderr = "" } = error as { stderr?: string };
  return /\b(ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ENETUNREACH|EHOSTUNREACH|ENOTCACHED)\b/.test(stderr);
}

/**
 * Runs Node in the folder of a user: without the settings of this process, and without the NODE_PATH of pnpm's
 * commands, on which a package would find what it did not declare.
 */
export function runNode(folder: string, ...args: string[]): Promise<{ stdout: string; stderr: string }> {
  const env = Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !/^(KVASIR_.*|NODE_OPTIONS|NODE_PATH)$/.test(name)),
  );
  return execute(process.execPath, args, { cwd: folder, env });
}

/** Runs the text of a module as a user's own. */
export function runModule(folder: string, text: string): Promise<{ stdout: string; stderr: string }> {
  return runNode(folder, "--input-type=module", "--eval", text);
}
