import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { builtInPolicies, createPolicy, SIGNALS } from "../src/index.ts";

const readme = readFileSync(new URL("../README.md", import.meta.url), "utf8");
const rows = readme.split("\n").flatMap((line) => {
  const cells = line.split("|").map((cell) => cell.trim());
  return cells.length === 7 && cells[1]!.startsWith("`") ? [cells.slice(1, 6)] : [];
});

describe("the README's table of policies", () => {
  it("lists every policy that can be asked for by name, once", () => {
    const listed = rows.map(([name]) => name!.slice(1, -1));
    expect(listed.toSorted()).toEqual(builtInPolicies.map(({ name }) => name).toSorted());
  });

  it.each(builtInPolicies)("says what $name reads and what its options are unless told", (definition) => {
    const row = rows.find(([name]) => name === `\`${definition.name}\``)!;
    const [, keeps, reads, defaults, source] = row as [string, string, string, string, string];
    expect(keeps).not.toBe("");
    expect(reads).toBe(definition.signals.map((signal) => `\`${signal}\``).join(", "));
    expect(defaults.includes("sizes itself")).toBe(definition.sizesItself);
    const environment = { layers: 4, heads: 1, pageTokens: 16, signals: SIGNALS };
    const { options } = createPolicy(definition, {}, environment);
    const told = Object.entries(options).map(([name, value]) => {
      return `${name}: ${Array.isArray(value) ? `[${value.join(", ")}]` : String(value)}`;
    });
    const said = /`(.*)`/.exec(defaults)?.[1]?.match(/\w+: (\[.*?\]|[^,]+)/g) ?? [];
    for (const option of said) expect(told).toContain(option);
    const { budget } = definition.defaults;
    if (budget !== undefined) expect(said).toContain(`budget: ${budget}`);
    const isBaseline = ["full", "random"].includes(definition.name);
    expect(/^\[.+ et al\. \d{4}\]\(https:\/\/arxiv\.org\/abs\/\d{4}\.\d{5}\)$/.test(source)).toBe(
      !isBaseline,
    );
  });
});
