import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { cpuLevels } from "@kvasir/runtime";
import { afterAll, describe, expect, it } from "vitest";
import { codeBlocks, runNode, runReadme } from "../../../.vitest/readme.ts";
import { KvasirProcess } from "./kvasir-process.ts";

const folder = fileURLToPath(new URL("..", import.meta.url));
const commands = codeBlocks(`${folder}/README.md`, "sh").flatMap((block) => block.trim().split("\n"));

/** What each command of the README must print. */
const printed: Record<string, RegExp> = {
  "npx kvasir-bench verify": /^verified: /m,
  "npx kvasir-bench throughput": /^ +1 .*\n +4 .*\n +16 /m,
  "npx kvasir-bench synthesize": /^tiny\.gguf: tiny, q8_0, \d+ bytes/m,
  "npx kvasir-bench compare": /^decode after 1024 .*x \(/m,
  "npx kvasir-bench roofline": /^linear q8_0, 512 rows .* %$/m,
  "npx kvasir-bench shared-prefix": /^ +8 +512 +64 .*\)$/m,
  "npx kvasir-bench eviction-speed": /^h2o +600 /m,
  "npx kvasir-bench quality": /^l2-norm +0\.25 +none .* [-+=] [-+=] [-+=]$/m,
  "npx kvasir-bench tune": /^ {2}--kv-policy l2-norm --kv-budget 0\.\d+ /m,
  "npx kvasir-bench serve": /^TTFT .*\nITL .*\nTPOT .*\nend to end /m,
  "npx kvasir-bench reproduce": /^figure +parts +minutes +what$/m,
  "npx kvasir-bench new-policy": /^Next: cd my-policy && npm install && npm test$/m,
};
/** What commands write goes here, and later ones read it. */
const scratch = mkdtempSync(path.join(tmpdir(), "kvasir-bench-readme-"));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));
const ofBench = commands.filter((command) => command.startsWith("npx kvasir-bench "));

describe("the README", () => {
  it("has no command but the install, which is tested as a package, and those tested here", () => {
    expect(commands.filter((command) => !ofBench.includes(command))).toEqual(["npm install @kvasir/bench"]);
    expect(ofBench.map((command) => command.split(" ", 3).join(" "))).toEqual(Object.keys(printed));
  });

  it.skipIf(cpuLevels().length === 0).each(ofBench)(
    "has a command that works (in seconds, so on native kernels): %s",
    async (command) => {
      await using server = command.includes("http:") ? await KvasirProcess.start() : undefined;
      const here = command.replaceAll("http://127.0.0.1:8080/v1", server?.url ?? "");
      const [, , subcommand, ...flags] = here.split(" ");
      const { bin } = JSON.parse(readFileSync(`${folder}/package.json`, "utf8"));
      const stdout = await runNode(scratch, path.join(folder, bin["kvasir-bench"]), subcommand!, ...flags);
      expect(stdout).toMatch(printed[`npx kvasir-bench ${subcommand}`]!);
    },
    120_000,
  );

  it("has an example that runs on the built package and passes", async () => {
    const stdout = await runReadme(folder);
    expect(stdout.match(/passed: true/g)).toHaveLength(2);
  });
});
