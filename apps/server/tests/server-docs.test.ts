import { EventEmitter } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { runCommand } from "../src/command.ts";
import { commandLine, repeatable } from "../src/command-line.ts";
import { fitCommandLine } from "../src/fit-command.ts";
import { Metrics } from "../src/metrics/metrics.ts";
import { FakeEngine } from "./fake-engine.ts";

const page = readFileSync(path.join(import.meta.dirname, "../../../docs/server.md"), "utf8");
const section = (heading: string) => page.split(`\n## ${heading}\n`)[1]!.split("\n## ")[0]!;
/** The rows of the tables under a heading, as their cells. */
const rows = (heading: string) =>
  [...section(heading).matchAll(/^\| (`.*) \|$/gm)].map(([, row]) =>
    row!.split(" | ").map((cell) => cell.trim()),
  );
const options = commandLine("1.0.0", { out: () => {}, err: () => {} }).options.filter(
  ({ long }) => long !== "--version",
);

describe("docs/server.md", () => {
  it("names every flag, and no other", () => {
    const named = rows("Flags").map(([flag]) => flag!.replaceAll("`", ""));
    const flags = named.filter((flag) => !flag.startsWith("--version"));
    expect(flags.sort()).toEqual(options.map(({ flags }) => flags).sort());
  });

  it("names every flag of fit, and no other", () => {
    const flags = rows("What fits").flatMap(([cell]) =>
      [...cell!.matchAll(/`([^`]+)`/g)].map(([, flag]) => flag),
    );
    const own = fitCommandLine({ out: () => {}, err: () => {} }).options;
    expect(flags.sort()).toEqual(own.map(({ flags }) => flags).sort());
  });

  it("has commands that work", async () => {
    const commands = [...page.matchAll(/^kvasir-server (.*)$/gm)].map(([, args]) => args!.split(" "));
    const file = [...page.matchAll(/```yaml\n# (\S+)\n(.*?)```/gs)][0]!;
    const folder = mkdtempSync(path.join(tmpdir(), "kvasir-"));
    writeFileSync(path.join(folder, file[1]!), file[2]!);
    expect(commands.length).toBeGreaterThanOrEqual(2);
    for (const args of commands) {
      const written = { out: "", err: "" };
      const stdout = { write: (text: string) => (written.out += text) };
      const stderr = { write: (text: string) => (written.err += text) };
      const here = args.map((arg) => (arg === file[1] ? path.join(folder, arg) : arg));
      expect([await runCommand(here, { stdout, stderr, signals: new EventEmitter() }), written.err]).toEqual([
        0,
        "",
      ]);
    }
    rmSync(folder, { recursive: true });
  });

  it("says which flags are repeatable", () => {
    const named = rows("Flags").filter(([, meaning]) => meaning?.includes("repeatable"));
    expect(named.map(([flag]) => /--([\w-]+)/.exec(flag!)![1]).sort()).toEqual([...repeatable].sort());
  });

  it("names every metric, with its type and what it means, and no other", async () => {
    const metrics = new Metrics(new FakeEngine());
    const text = await metrics.text(false);
    metrics.dispose();
    const types = new Map([...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name, type]) => [name, type]));
    const own = [...text.matchAll(/^# HELP (\S+) (.*)$/gm)].map(([, name, help]) => [
      `\`${name}\``,
      types.get(name),
      help,
    ]);
    expect(rows("Metrics").sort()).toEqual(own.sort());
  });

  it("links to headings and files that are there", () => {
    for (const [, target, anchor] of page.matchAll(/\]\(([^)#]*)(?:#([\w-]+))?\)/g)) {
      const file = path.join(import.meta.dirname, "../../../docs", target || "server.md");
      if (anchor === undefined) continue;
      const headings = [...readFileSync(file, "utf8").matchAll(/^#+ (.*)$/gm)].map(([, heading]) =>
        heading!.toLowerCase().replaceAll(" ", "-"),
      );
      expect(headings).toContain(anchor);
    }
  });
});
