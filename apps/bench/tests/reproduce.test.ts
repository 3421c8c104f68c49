import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, expect, test } from "vitest";

const scratch = mkdtempSync(path.join(tmpdir(), "kvasir-bench-reproduce-"));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

const script = fileURLToPath(new URL("reproduce/fake-figures.ts", import.meta.url));
const loader = new URL("../../../typescript-loader.mjs", import.meta.url).href;
const hook = `data:text/javascript,import{register}from"node:module";register(${JSON.stringify(loader)});`;

let runs = 0;

/** `kvasir-bench reproduce` on fake figures, as a process of its own. */
class Run {
  readonly #child: ChildProcess;
  readonly #log = path.join(scratch, `log-${runs++}`);
  #written = { stdout: "", stderr: "" };

  constructor(args: readonly string[], environment: Readonly<Record<string, string>> = {}) {
    writeFileSync(this.#log, "");
    const own = ["--conditions", "@kvasir/source", "--import", hook, script, "reproduce"];
    this.#child = spawn(process.execPath, [...own, "--backend", "interpreter", ...args], {
      cwd: scratch,
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...process.env, FAKE_LOG: this.#log, ...environment },
    });
    for (const name of ["stdout", "stderr"] as const) {
      this.#child[name]!.on("data", (data) => {
        this.#written[name] += data;
      });
    }
  }

  /** Parts that began. */
  get begun(): readonly string[] {
    return readFileSync(this.#log, "utf8").split("\n").slice(0, -1);
  }

  async until(part: string): Promise<void> {
    while (!this.begun.includes(part) && this.#child.exitCode === null) {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  async end(): Promise<{ code: number | null; stdout: string; stderr: string }> {
    const [code] = (await once(this.#child, "close")) as [number | null];
    return { code, ...this.#written };
  }
}

const all = ["one first", "one second", "two first", "two second", "one last", "two last"];
const statesOf = (report: string): readonly (readonly string[])[] =>
  JSON.parse(report).figures.map(({ parts }: { parts: { key: string; state: string }[] }) =>
    parts.map(({ key, state }) => `${key} ${state}`),
  );

test.each(["SIGINT", "SIGTERM"] as const)(
  "%s gives up the part under way, writes what is finished, and the next run goes on from there",
  async (signal) => {
    const out = path.join(scratch, `out-${signal}`);
    const first = new Run(["all", "--out", out], { FAKE_WAIT: "two second" });
    await first.until("two second");
    first.kill(signal);
    expect(await first.end()).toMatchObject({
      code: 130,
      stderr: expect.stringMatching(/part second: inter/),
    });
    const report = path.join(out, "report.json");
    expect(statesOf(readFileSync(report, "utf8"))).toEqual([
      ["first measured", "second measured", "last interrupted"],
      ["first measured", "second interrupted", "last interrupted"],
    ]);
    expect(readFileSync(path.join(out, "README.md"), "utf8")).toContain(
      "interrupted: part second; part last",
    );
    const second = new Run(["all", "--out", out]);
    expect(await second.end()).toMatchObject({ code: 0 });
    expect(first.begun).toEqual(all.slice(0, 4));
    expect(second.begun).toEqual(all.slice(3));
    expect(statesOf(readFileSync(report, "utf8")).flat()).not.toContain("last interrupted");
  },
);

test("after a process that was killed, finished parts are not measured again; with --fresh they are", async () => {
  const out = path.join(scratch, "out-killed");
  const first = new Run(["one", "--out", out], { FAKE_WAIT: "one last" });
  await first.until("one last");
  first.kill("SIGKILL");
  await first.end();
  expect(existsSync(path.join(out, "report.json"))).toBe(false);
  const second = new Run(["one", "two", "--out", out]);
  expect((await second.end()).code).toBe(0);
  expect(second.begun).toEqual(all.slice(2));
  const third = new Run(["one", "--fresh", "--out", out]);
  await third.end();
  expect(third.begun).toEqual(["one first", "one second", "one last"]);
  const fourth = new Run(["all", "--out", out, "--seed", "2"]);
  await fourth.end();
  expect(fourth.begun).toEqual(all);
});

test("a report is tables for a terminal, one JSON document, a page, and a folder of both with charts", async () => {
  const html = path.join(scratch, "report.html");
  const out = path.join(scratch, "out-report");
  const { code, stdout, stderr } = await new Run(["one", "--html", html, "--out", out]).end();
  expect({ code, stderr }).toEqual({
    code: 0,
    stderr: expect.stringMatching(/^(one: part (first|second|last): \d+\.\d s\n){3}$/),
  });
  expect(stdout).toMatch(/^one: What one shows\n=+\none, 2026\nNothing was run\.$/m);
  expect(stdout).toMatch(/^key +length\n-+ +-+\nfirst +5\n/m);
  expect(stdout).toMatch(/^part +ours +theirs\n-.*\n +0 +5\n +1 +6 +4\n/m);
  expect(stdout).toMatch(/^Findings:\n- 3 parts have a length\.$/m);
  const page = readFileSync(html, "utf8");
  expect(page).toMatch(/^<!doctype html>.*<h2>What one shows<\/h2>.*<figcaption>The same \| drawn<.*<svg /s);
  expect(page).not.toMatch(/<script|<link|src=/);
  expect(readFileSync(path.join(out, "report.html"), "utf8")).toContain("--out");
  const markdown = readFileSync(path.join(out, "README.md"), "utf8");
  expect(markdown).toMatch(/^\| key \| length \|\n\| --- \| --: \|\n\| first \| 5 \|$/m);
  expect(markdown).toContain("![The same \\| drawn](charts/one-2.svg)");
  expect(readFileSync(path.join(out, "charts/one-2.svg"), "utf8")).toMatch(/^<svg xmlns=/);
  const json = await new Run(["two", "--json", "--shape", "15m"]).end();
  expect(JSON.parse(json.stdout)).toMatchObject({
    ...{ format: "kvasir-reproduce", formatVersion: 1, seed: 1, device: "interpreter" },
    shape: { name: "15m", layers: 12 },
    figures: [{ name: "two", parts: [{ key: "first", state: "measured", result: 5 }, {}, {}] }],
  });
  expect(json.stderr).toBe("");
});

test("a part that fails is said, the others are measured, and the run exits with 1", async () => {
  const { code, stdout } = await new Run(["one"], { FAKE_FAIL: "one second" }).end();
  expect(code).toBe(1);
  expect(stdout).toMatch(/^- Failed: part second: no memory$/m);
  expect(stdout).toMatch(/^- 2 parts have a length\.$/m);
});

test("results of a figure whose section cannot be made are reported all the same", async () => {
  const { code, stdout } = await new Run(["one", "--json"], { FAKE_FAIL: "one" }).end();
  const missing = ["Failed: what is to be said of it: no sentence"];
  expect([code, JSON.parse(stdout).figures[0]]).toMatchObject([
    1,
    { failed: true, section: { missing }, parts: [{ result: 5 }, { result: 6 }, { result: 4 }] },
  ]);
});

test("all has a time and a folder unless they are given; what does not fit is missing", async () => {
  const run = new Run(["all", "--minutes", "0.01"]);
  const { code, stdout } = await run.end();
  expect([code, run.begun]).toEqual([0, []]);
  expect(stdout).toContain("- Not measured, as it did not fit in the time of the run: part first; ");
  expect(existsSync(path.join(scratch, "reproduction", "report.html"))).toBe(true);
});

test("the list names figures, their parts and minutes", async () => {
  const { stdout } = await new Run(["--list"]).end();
  expect(stdout).toMatch(/^figure .*\n-.*\none +3 +0\.1 +What one shows\ntwo /);
});

test.each([
  [[], /figures: expected all, one, two$/m],
  [["three"], /figures: expected all, one, two, received three/],
  [["one", "--minutes", "0"], /minutes.*above 0/],
  [["one", "--minutes", "x"], /minutes/],
  [["one", "--shape", "1b"], /shape.*15m/],
  [["one", "--seed", "-1"], /seed/],
  [["one", "--state", scratch], /expected a file of saved parts/],
  [["one", "--html", path.join(scratch, "no", "folder.html")], /ENOENT.*no'/],
])("%j exits with an error that names the cause", async (args, message) => {
  const run = new Run(args);
  const { code, stderr } = await run.end();
  expect([code, run.begun]).toEqual([1, []]);
  expect(stderr).toMatch(message);
});

test("a README that no report was is not overwritten", async () => {
  writeFileSync(path.join(scratch, "README.md"), "# Mine\n");
  const run = new Run(["one", "--out", scratch]);
  expect((await run.end()).stderr).toMatch(/out: expected a folder for reports alone/);
  expect(run.begun).toEqual([]);
  expect(readFileSync(path.join(scratch, "README.md"), "utf8")).toBe("# Mine\n");
});
