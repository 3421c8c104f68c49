import { execFile, execFileSync, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import path from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { writeTinyGguf } from "../../../packages/core/tests/tiny-gguf.ts";

const repository = fileURLToPath(new URL("../../../", import.meta.url));
const read = (file: string) => readFileSync(path.join(repository, file), "utf8");

/** Whole commands of the fenced blocks, continued lines joined. */
const commands = Array.from(read("README.md").matchAll(/^```sh\n(.*?)^```/gms), ([, block]) => block!)
  .flatMap((block) => block.trim().split(/(?<!\\)\n/))
  .filter((command) => command !== "");
const curls = commands.filter((command) => command.startsWith("curl "));
const modelFile = "model.gguf";
const address = "http://127.0.0.1:8080";
const [, served] =
  /^npm run --silent build && exec node (\S+\.js)$/.exec(JSON.parse(read("package.json")).scripts.start) ??
  [];
const hasCurl = spawnSync("curl", ["--version"]).status === 0;

describe("the README of the repository", () => {
  it("has the commands that are tested here, and no other", () => {
    expect(commands).toEqual(["npm start", ...curls, `npm start -- --model ${modelFile}`]);
    expect(curls).toHaveLength(1);
  });

  it("says what npm start serves and where", async () => {
    expect(served).toBe("apps/server/dist/cli.js");
    const help = execFileSync(process.execPath, [served!, "--help"], { cwd: repository, encoding: "utf8" });
    const { hostname, port } = new URL(address);
    expect(help.replace(/\s+/g, " ")).toMatch(
      new RegExp(`--host [^(]*\\(default: "${hostname}"\\) --port [^(]*\\(default: ${port}\\)`),
    );
  });
});

type Server = { readonly url: string; stop(): Promise<void> };

/** What `npm start` runs once all is built, on a free port. */
async function start(...flags: string[]): Promise<Server> {
  const server = spawn(process.execPath, [served!, "--port", "0", ...flags], {
    cwd: repository,
    stdio: ["ignore", "pipe", "inherit"],
  });
  let url = "";
  for await (const line of createInterface(server.stdout!)) {
    url = /listening on (http:\/\/[\d.]+:\d+)/.exec(line)?.[1] ?? "";
    if (url !== "") break;
  }
  expect(url, "where the server listens").not.toBe("");
  server.stdout!.resume();
  const stop = async () => {
    server.kill("SIGTERM");
    if (server.exitCode === null) await once(server, "exit");
    expect(server.exitCode).toBe(0);
  };
  return { url, stop };
}

it("npm start serves a GGUF file by the flags that the README gives it", async () => {
  const command = commands.find((each) => each.endsWith(modelFile))!;
  using file = await writeTinyGguf("Q8_0");
  const flags = command.replace(/^npm start -- /, "").replace(modelFile, file.path);
  const server = await start(...flags.split(" "));
  const answer = await fetch(`${server.url}/v1/models`);
  expect(await answer.json()).toMatchObject({ data: [{ id: path.basename(file.path) }] });
  await server.stop();
});

describe.skipIf(!hasCurl)("a server as npm start starts it (needs curl)", () => {
  let server: Server;
  beforeAll(async () => {
    server = await start();
  });
  afterAll(() => server.stop());

  it.each(curls)("streams text: %s", async (command) => {
    const here = command.replace(address, server.url);
    expect(here).not.toBe(command);
    const { stdout } = await promisify(execFile)("bash", ["-c", here]);
    const events = stdout.trim().split("\n\n");
    expect(events.pop()).toBe("data: [DONE]");
    const texts = events.map((event) => JSON.parse(event.replace(/^data: /, "")).choices[0].text as string);
    expect(texts.filter((text) => text !== "").length).toBeGreaterThan(1);
    expect(texts.join("")).toMatch(/\w+ \w+ \w+/);
  });
});

describe("links between the pages of the repository", () => {
  const git = ["ls-files", "-z", "--cached", "--others", "--exclude-standard"];
  const files = execFileSync("git", git, { cwd: repository, encoding: "utf8" }).split("\0");
  const exists = (file: string) => files.some((each) => each === file || each.startsWith(`${file}/`));
  const pages = files.filter((file) => /(^README|\/README|^CONTRIBUTING|^docs\/.*)\.md$/.test(file));

  it("are read from every page", () => {
    for (const page of ["README.md", "packages/core/README.md", "docs/architecture.md"])
      expect(pages).toContain(page);
  });

  it.each(pages)("of %s lead to files and headings that exist", (page) => {
    const dead = linksOf(read(page)).filter((link) => {
      const [target, anchor] = link.split("#") as [string, string?];
      const file =
        target === "" ? page : path.posix.join(path.posix.dirname(page), decodeURIComponent(target));
      return !exists(file.replace(/\/$/, "")) || (anchor !== undefined && !anchorsOf(read(file)).has(anchor));
    });
    expect(dead).toEqual([]);
  });
});

/** Targets of links that stay in the repository. */
function linksOf(markdown: string): string[] {
  const prose = markdown.replace(/^```.*?^```/gms, "").replace(/`[^`\n]*`/g, "code");
  return Array.from(prose.matchAll(/\]\(([^)\s]+)\)/g), ([, target]) => target!).filter(
    (target) => !/^[a-z]+:/.test(target),
  );
}

/** The anchors that GitHub gives to the headings of a page, and those that it names itself. */
function anchorsOf(markdown: string): Set<string> {
  const anchors = new Set<string>();
  const prose = markdown.replace(/^```.*?^```/gms, "");
  for (const [, heading] of prose.matchAll(/^#{1,6} +(.+)$/gm)) {
    const words = heading!.toLowerCase().replace(/[^\p{L}\p{M}\p{N} _-]/gu, "");
    const anchor = words.trim().replaceAll(" ", "-");
    let free = anchor;
    for (let copy = 1; anchors.has(free); copy += 1) free = `${anchor}-${copy}`;
    anchors.add(free);
  }
  for (const [, id] of prose.matchAll(/<a id="([^"]+)">/g)) anchors.add(id!);
  return anchors;
}
