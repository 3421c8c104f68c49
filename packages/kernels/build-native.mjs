// Builds build/Release/kvasir.node from native/ and ../../kernels, and copies it into the platform
// package. Does nothing when nothing changed; nothing is ever downloaded. Without a toolchain it warns
// and ends well, because the package then runs on its interpreter; KVASIR_REQUIRE_NATIVE=1 makes that an error.
//
// The sources are compiled from copies under build/gyp: gyp names an object file after the path of its
// source, and with sources above its own folder the levels, which share sources, would share objects.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(fileURLToPath(import.meta.url));
const kernels = join(root, "..", "..", "kernels");
const binary = join(root, "build", "Release", "kvasir.node");
const stamp = join(root, "build", "kvasir.stamp");
const platformBinary = join(root, "platforms", `${process.platform}-${process.arch}`, "kvasir.node");
const stage = join(root, "build", "gyp");
const require = createRequire(import.meta.url);

const fingerprint = fingerprintOfInputs();
if (!isBuilt()) underLock(() => isBuilt() || build());
if (existsSync(binary)) fillPlatformPackage();

function isBuilt() {
  return existsSync(binary) && existsSync(stamp) && readFileSync(stamp, "utf8") === fingerprint;
}

function build() {
  const missing = missingTool();
  if (missing !== undefined) {
    console.warn(
      `kvasir: the native kernels are not built: ${missing}.\nkvasir: ${
        existsSync(binary)
          ? "the binary of an earlier build, from other sources, stays in use"
          : "without them @kvasir/kernels falls back to its TypeScript interpreter, which is many times slower"
      }.`,
    );
    if (process.env.KVASIR_REQUIRE_NATIVE === "1") process.exitCode = 1;
    return;
  }
  // A binary that does not belong to the sources must not be loaded if this build fails.
  for (const stale of [stamp, binary, platformBinary]) rmSync(stale, { force: true });
  console.log("kvasir: building the native kernels (a minute or two, once)");
  copySources();
  const nodeGyp = require.resolve("node-gyp/bin/node-gyp.js");
  const configureAndBuild = [nodeGyp, "configure", "build", "--silent", "--release", "--jobs=2"];
  const built = join(stage, "build", "Release", "kvasir.node");
  if (
    !succeeds([...configureAndBuild, `--nodedir=${nodeDirectory()}`]) ||
    !succeeds(["--eval", "require(process.argv[1])", built])
  ) {
    console.error("kvasir: building the native kernels failed; the messages are above");
    process.exitCode = 1;
    return;
  }
  mkdirSync(dirname(binary), { recursive: true });
  copyFileSync(built, binary);
  writeFileSync(stamp, fingerprint);
}

function succeeds(nodeArguments) {
  return spawnSync(process.execPath, nodeArguments, { cwd: stage, stdio: "inherit" }).status === 0;
}

/** Two builds in one checkout would write over each other's objects. */
function underLock(work) {
  const lock = join(root, "build", "lock");
  mkdirSync(dirname(lock), { recursive: true });
  for (;;) {
    try {
      writeFileSync(lock, String(process.pid), { flag: "wx" });
      break;
    } catch (error) {
      if (error.code !== "EEXIST") throw error;
      if (isStale(lock)) rmSync(lock, { force: true });
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 200);
    }
  }
  try {
    work();
  } finally {
    rmSync(lock, { force: true });
  }
}

/** Its owner is gone, or has not come back for half an hour. */
function isStale(lock) {
  const owner = readIfThere(lock);
  const since = statSync(lock, { throwIfNoEntry: false })?.mtimeMs ?? Date.now();
  return (owner !== "" && !isRunning(Number(owner))) || Date.now() - since > 30 * 60_000;
}

function readIfThere(file) {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return "";
  }
}

function isRunning(pid) {
  if (!(pid > 0)) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === "EPERM";
  }
}

/** Times are kept, so that make compiles only what is newer than its object. */
function copySources() {
  for (const [from, name] of [
    [kernels, "kernels"],
    [join(root, "native"), "native"],
  ]) {
    rmSync(join(stage, name), { recursive: true, force: true });
    cpSync(from, join(stage, name), { recursive: true, preserveTimestamps: true });
  }
  copyFileSync(join(root, "native", "binding.gyp"), join(stage, "binding.gyp"));
}

/** What a build depends on: sources, versions, compiler. */
function fingerprintOfInputs() {
  const hash = createHash("sha256");
  const files = [
    ...filesUnder(kernels).filter((file) => /\.(cpp|cc|c|h|inc|inl|S|gyp|gypi)$/.test(file)),
    ...filesUnder(join(root, "native")),
    ...["package.json", "build-native.mjs"].map((name) => join(root, name)),
    require.resolve("node-addon-api/package.json"),
  ].sort();
  for (const file of files)
    hash
      .update(`${relative(root, file)}\0`)
      .update(readFileSync(file))
      .update("\0");
  const { CC, CXX, CFLAGS, CXXFLAGS, LDFLAGS } = process.env;
  const toolchain = { CC, CXX, CFLAGS, CXXFLAGS, LDFLAGS };
  return hash
    .update(JSON.stringify([process.version, process.platform, process.arch, toolchain]))
    .digest("hex");
}

function filesUnder(folder) {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}

/** A sentence about what a build would lack here, if anything. */
function missingTool() {
  if (!existsSync(join(kernels, "cpu.gyp"))) return `there are no sources at ${kernels}`;
  if (nodeDirectory() === undefined) {
    return (
      `there are no headers of Node ${process.version} beside ${process.execPath}; ` +
      "install them, or name the folder that has include/node in npm_config_nodedir"
    );
  }
  if (process.platform === "win32") return undefined;
  const compiler = process.env.CXX ?? (process.platform === "darwin" ? "clang++" : "g++");
  if (!runs(compiler)) return `no C++ compiler (${compiler}) was found; set CXX to name another`;
  if (!runs(process.env.MAKE ?? "make")) return "make was not found";
  if (!["PYTHON", "npm_config_python"].some((name) => process.env[name]) && !runs("python3")) {
    return "python3, which node-gyp needs, was not found";
  }
  return undefined;
}

function runs(command) {
  const [program, ...options] = command.split(" ");
  return spawnSync(program, [...options, "--version"], { stdio: "ignore" }).status === 0;
}

/** The folder whose include/node holds the headers of the Node that runs this. */
function nodeDirectory() {
  const candidates = [join(dirname(process.execPath), ".."), process.env.npm_config_nodedir];
  return candidates.find((folder) => folder && existsSync(join(folder, "include", "node", "common.gypi")));
}

function fillPlatformPackage() {
  if (!existsSync(dirname(platformBinary)) || readIfThere(platformBinary) === readIfThere(binary)) return;
  // A process may have the old file mapped: writing into it would crash that process.
  rmSync(platformBinary, { force: true });
  copyFileSync(binary, platformBinary);
}
