import { expect, test } from "vitest";
import { compareServers } from "../src/serve/compare/compare-servers.ts";
import {
  serverComparisonMarkdown,
  serverComparisonText,
} from "../src/serve/compare/server-comparison-text.ts";
import { defaultLoadSettings, type LoadSettings } from "../src/serve/load-settings.ts";
import { type AskedBody, ScriptedServer } from "./scripted-server.ts";

const settings: LoadSettings = {
  ...defaultLoadSettings,
  pace: { kind: "closed", clients: 2 },
  requests: 5,
  warmUp: 1,
  greedy: true,
  check: 1,
  workload: {
    ...defaultLoadSettings.workload,
    promptTokens: { low: 12, high: 12 },
    outputTokens: { low: 3, high: 3 },
  },
};

/** A request of a run and not of the questions before. */
const counted = ({ max_tokens }: AskedBody) => max_tokens === 3;

test("two servers get the same prompts in turns, and who begins changes", async () => {
  const order: string[] = [];
  const noting = (name: string) => ({
    parts: (body: AskedBody) => {
      if (counted(body) && order.at(-1) !== name) order.push(name);
      return ["a ", "b ", name];
    },
  });
  // One has the field for salts: then both get words, so that their prompts are as long.
  await using a = await ScriptedServer.start({ ...noting("a"), refuses: ["kvasir_bench_unknown"] });
  await using b = await ScriptedServer.start(noting("b"));
  const comparison = await compareServers({ url: a.url, compareUrl: b.url, settings, repetitions: 3 });
  // Of repetitions a b, b a, a b; neighbours of one server are one entry.
  expect(order).toEqual(["a", "b", "a", "b"]);
  const words = ({ asked }: ScriptedServer) =>
    asked.filter(counted).map(({ prompt }) => prompt!.split(" ").slice(1).join(" "));
  expect(words(a)).toHaveLength(3 * 7);
  expect(words(b).toSorted()).toEqual(words(a).toSorted());
  expect(new Set(words(a)).size).toBe(3 * 6);
  expect(comparison.servers.map(({ url }) => url)).toEqual([a.url, b.url]);
  expect(comparison.hitRates).toEqual([0, 0]);
  expect(comparison.violations).toEqual([]);
  for (const { unit, first, second, ratio } of comparison.rows) {
    for (const [i, value] of ratio.samples.entries()) {
      const [ours, theirs] = [first.samples[i]!, second.samples[i]!];
      expect(value).toBe(unit === "ms" ? theirs / ours : ours / theirs);
    }
  }
  expect(comparison.rows.map(({ label }) => label)).toEqual(
    expect.arrayContaining(["requests", "output", "TTFT p50", "end to end p99"]),
  );
  expect(serverComparisonText(comparison)).toMatch(/^requests .* requests\/s \(.*x \(/m);
  expect(serverComparisonMarkdown(comparison)).toMatch(/^\| end to end p99 \| .* ms \(.*x \(/m);
});

test("each server gets its own key and not the other's", async () => {
  await using a = await ScriptedServer.start();
  await using b = await ScriptedServer.start();
  const keys = { apiKey: "of a", compareApiKey: "of b" };
  await compareServers({ url: a.url, compareUrl: b.url, settings, repetitions: 1, ...keys });
  await compareServers({ url: a.url, compareUrl: b.url, settings, repetitions: 1, apiKey: "of a" });
  expect([...a.keys]).toEqual(["Bearer of a"]);
  expect([...b.keys]).toEqual(["Bearer of b", undefined]);
});

test("what one of the servers does wrong is said with its name", async () => {
  await using sound = await ScriptedServer.start();
  let answers = 0;
  await using broken = await ScriptedServer.start({
    status: (body) => (counted(body) && ++answers === 3 ? 500 : undefined),
  });
  const { violations } = await compareServers({
    url: sound.url,
    compareUrl: broken.url,
    settings: { ...settings, check: 0 },
    repetitions: 1,
  });
  expect(violations).toEqual([expect.stringMatching(`^${broken.url}: 1 requests broke off`)]);
});
