import { appendFileSync } from "node:fs";
import { setTimeout } from "node:timers/promises";
import { Command } from "commander";
import type { Figure, Part, Section } from "../../src/reproduce/figure.ts";
import { reproduceCommand } from "../../src/reproduce/reproduce-command.ts";

/** `kvasir-bench reproduce` with figures that measure nothing; which parts began is written to FAKE_LOG. */
const log = (line: string) => appendFileSync(process.env.FAKE_LOG!, `${line}\n`);

function part(figure: string, key: string): Part<number> {
  return {
    ...{ key, label: `part ${key}`, seconds: 1, rank: key === "last" ? 1 : 0 },
    async measure({ signal, onProgress }) {
      log(`${figure} ${key}`);
      onProgress(0.5);
      if (process.env.FAKE_WAIT === `${figure} ${key}`) await setTimeout(60_000, undefined, { signal });
      if (process.env.FAKE_FAIL === `${figure} ${key}`) throw new Error("no memory");
      return key.length;
    },
  };
}

const figure = (name: string): Figure<number> => ({
  ...{ name, title: `What ${name} shows`, source: `${name}, 2026` },
  parts: () => ["first", "second", "last"].map((key) => part(name, key)),
  section: (results) => {
    if (process.env.FAKE_FAIL === name) throw new Error("no sentence");
    return sectionOf(results);
  },
});

const sectionOf = (results: ReadonlyMap<string, number>): Section => ({
  run: "Nothing was run.",
  blocks: [
    {
      ...{ kind: "table", caption: "Lengths", columns: ["key", "length"] },
      rows: [...results].map(([key, length]) => [key, String(length)]),
    },
    {
      ...{ kind: "lines", caption: "The same | drawn" },
      x: { label: "part", scale: "linear" },
      y: { label: "length", scale: "log" },
      series: [
        { name: "ours", kind: "measured", points: [...results.values()].map((y, x) => ({ x, y })) },
        { name: "theirs", kind: "published", points: [{ x: 1, y: 4 }] },
      ],
    },
  ],
  findings: [`${results.size} parts have a length.`],
  missing: [],
});

const program = new Command("kvasir-bench").exitOverride();
reproduceCommand(program, [figure("one"), figure("two")]);
try {
  await program.parseAsync();
} catch (error) {
  process.stderr.write(`kvasir-bench: ${(error as Error).message}\n`);
  process.exitCode = 1;
}
