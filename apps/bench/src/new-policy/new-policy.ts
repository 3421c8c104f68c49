import { mkdir, readdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { benchVersion } from "../bench-version.ts";
import { packageFiles } from "./package-files.ts";
import { checkPolicyName } from "./policy-name.ts";

export type NewPolicyOptions = {
  /** Of the policy and of its package: lower-case words joined by hyphens, up to 64 characters. */
  readonly name: string;
  /** Where to write it: a folder that is empty or not there yet; `./<name>` unless told. */
  readonly dir?: string;
};

/**
 * Writes an npm package with an eviction policy in it, its test and its README: plain JavaScript, without a build. Returns
 * the paths of its files.
 * @throws RangeError for a name that is none, and for a folder with files in it
 */
export async function newPolicy({ name, dir = name }: NewPolicyOptions): Promise<readonly string[]> {
  checkPolicyName(name);
  const folder = path.resolve(dir);
  await mkdir(folder, { recursive: true });
  const [there] = await readdir(folder);
  if (there !== undefined) throw new RangeError(`dir: ${folder} has files in it already, like ${there}`);
  const written: string[] = [];
  for (const [file, text] of Object.entries(packageFiles(name, benchVersion()))) {
    const target = path.join(folder, file);
    await writeFile(target, text, { flag: "wx" });
    written.push(target);
  }
  return written;
}
