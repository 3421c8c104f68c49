import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { LocalRegistry } from "./local-registry.ts";
import { execute, isOffline, packWorkspace, repository, runModule } from "./packed-package.ts";

const page = readFileSync(path.join(repository, "docs", "write-a-policy.md"), "utf8");
const section = page.split("\n## A package of your own\n")[1]!.split("\n## ")[0]!;
const blocks = [...section.matchAll(/```sh\n(.*?)```/gs)].map((match) => match[1]!.trim());

const [example] = /(?<=```js\n).*?(?=```)/s.exec(section)!;

const scratch = mkdtempSync(path.join(tmpdir(), "kvasir-third-party-"));
const folder = mkdtempSync(path.join(scratch, "user-"));
let registry: LocalRegistry;
let server: ChildProcess | undefined;
beforeAll(async () => {
  registry = await LocalRegistry.start(await packWorkspace(scratch));
}, 120_000);
afterAll(() => {
  if (server?.exitCode === null) signalGroup(server, "SIGKILL");
  registry.stop();
  rmSync(scratch, { recursive: true, force: true });
});

/** Of a shell of a user: without the settings of this process, and with a registry that has these packages. */
function environment(): NodeJS.ProcessEnv {
  const own = Object.entries(process.env).filter(
    ([name]) =>
      !/^(KVASIR_.*|NODE_OPTIONS|NODE_PATH|NODE_TEST_CONTEXT|INIT_CWD|VITEST.*|npm_package_.*|npm_lifecycle_.*|npm_config_local_prefix)$/.test(
        name,
      ),
  );
  const npm = {
    "npm_config_@kvasir:registry": registry.url,
    npm_config_prefer_offline: "true",
    npm_config_audit: "false",
    npm_config_fund: "false",
    npm_config_update_notifier: "false",
    npm_config_loglevel: "error",
    npm_config_fetch_retries: "1",
    npm_config_fetch_retry_mintimeout: "1000",
    npm_config_fetch_retry_maxtimeout: "1000",
  };
  return { ...Object.fromEntries(own), ...npm };
}

const run = (script: string) =>
  execute("bash", ["-ec", script], { cwd: folder, env: environment(), timeout: 240_000 });

/** As a terminal's Ctrl-C does: npx does not pass on what it alone is sent. */
const signalGroup = (leader: ChildProcess, signal: NodeJS.Signals) => process.kill(-leader.pid!, signal);

/** Starts a server as the page does, on a free port, and resolves to its URL. */
async function serve(command: string): Promise<string> {
  const options = { cwd: folder, env: environment(), detached: true };
  const child = spawn("bash", ["-c", `exec ${command} --port 0`], options);
  server = child;
  let written = "";
  const url = new Promise<string>((resolve, reject) => {
    const read = (data: Buffer) => {
      written += data;
      const found = /"url":"(http:[^"]+)"/.exec(written)?.[1];
      if (found) resolve(found);
    };
    child.stdout.on("data", read);
    child.stderr.on("data", read);
    child.once("exit", () => reject(new Error(`it ended: ${written}`)));
  });
  const found = await url;
  expect(written).toMatch(/"policy":"my-policy","from":".\/my-policy\/my-policy.js","msg":"loaded a policy"/);
  expect(written).toMatch(/"policy":"my-policy","policyOptions":{"budget":0.5,.*"recency":0.5/);
  return found;
}

describe("docs/write-a-policy.md, from an empty folder", () => {
  it("has these commands", () => {
    expect(blocks.map((block) => block.split(" ", 2).join(" "))).toEqual([
      "npm install",
      "cd my-policy\nnpm",
      "npx kvasir-server",
      "curl http://127.0.0.1:8080/v1/completions",
      "npm install",
    ]);
  });

  it("makes a package that passes its test, is served by its path and measured by its name", async ({
    skip,
  }) => {
    const [install, test, start, ask, measure] = blocks as [string, string, string, string, string];
    const { stdout: files } = await run(install).catch((error: unknown) => {
      if (isOffline(error)) skip("the npm registry cannot be reached");
      throw error;
    });
    expect(files).toContain("my-policy/package.json\nmy-policy/my-policy.js\n");
    expect(files).toContain("Next: cd my-policy && npm install && npm test");

    const tested = await run(test);
    expect(tested.stdout).toMatch(/pass 13\n.*fail 0\n/s);

    const url = await serve(start);
    const { stdout: answer } = await run(ask.replace("http://127.0.0.1:8080", url));
    expect(JSON.parse(answer).choices[0].text.length).toBeGreaterThan(20);
    signalGroup(server!, "SIGTERM");
    const isUp = () =>
      fetch(`${url}/health`).then(
        () => true,
        () => false,
      );
    await expect.poll(isUp, { timeout: 20_000 }).toBe(false);
    server = undefined;

    const { stdout: measured } = await run(measure);
    expect(measured).toContain("policy my-policy, f16 pages");
    expect(measured).toContain("policy adaptive+my-policy>h2o, f16 pages");

    expect((await runModule(folder, example)).stdout.length).toBeGreaterThan(20);

    // Again, nothing is overwritten.
    await expect(run("npx kvasir-bench new-policy my-policy")).rejects.toMatchObject({
      stderr: expect.stringMatching(/^kvasir-bench: dir: .*my-policy has files in it already/),
    });
  }, 480_000);
});
