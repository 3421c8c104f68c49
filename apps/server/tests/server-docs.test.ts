import { readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { commandLine, repeatable } from "../src/command-line.ts";
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
