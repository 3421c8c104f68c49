import { stat } from "node:fs/promises";
import { createRequire } from "node:module";
import path from "node:path";

const version = "3.22.1";
const platform =
  { linux: "linux", darwin: "mac", win32: "win" }[process.platform as "linux"] ?? process.platform;
const binary =
  platform === "mac" && process.arch === "arm64" ? "mac-arm64-metal" : `${platform}-${process.arch}`;

/** How node-llama-cpp gets here: 86 MB, without the builds for GPUs and other machines (640 MB), running no scripts. */
export const installCommand = `npm install --ignore-scripts --omit=optional node-llama-cpp@${version} @node-llama-cpp/${binary}@${version}`;

/**
 * The module of node-llama-cpp that `folder` (default: the working directory) resolves: itself, a folder
 * that has it in `node_modules`, or one below such a folder. Throws an error that says how to install it.
 */
export async function findPeer(folder = process.cwd()): Promise<string> {
  const absolute = path.resolve(folder);
  const own = path.join(absolute, "dist", "index.js");
  const isPackage = path.basename(absolute) === "node-llama-cpp";
  if (isPackage && (await stat(own).catch(() => undefined))) return own;
  for (const modules of createRequire(path.join(absolute, "index.js")).resolve.paths("node-llama-cpp") ??
    []) {
    const module = path.join(modules, "node-llama-cpp", "dist", "index.js");
    if (await stat(module).catch(() => undefined)) return module;
  }
  throw new Error(
    `node-llama-cpp is not installed where ${absolute} resolves packages. Install it in any folder with \`${installCommand}\` and run there, or name the folder with --peer-path.`,
  );
}
