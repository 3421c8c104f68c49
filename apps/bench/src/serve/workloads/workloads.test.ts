import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { defaultLoadSettings, type WorkloadSettings } from "../load-settings.ts";
import { openWorkload } from "./open-workload.ts";
import type { Content, PlannedRequest, Session } from "./workload.ts";

const words = { perWord: 2, overhead: 4 };
const open = (settings: Partial<WorkloadSettings>, seed = 1) =>
  openWorkload({ ...defaultLoadSettings.workload, ...settings }, words, seed);
const firsts = async (settings: Partial<WorkloadSettings>, seed?: number): Promise<PlannedRequest[]> => {
  const workload = await open(settings, seed);
  return Array.from({ length: 30 }, (_, i) => workload.session(i).next()!);
};
const textOf = (content: Content) =>
  content.kind === "turns" ? content.turns.map((turn) => turn.content).join(" ") : "";
const wordsOf = (content: Content) => textOf(content).split(" ").length;
const mix = (name: WorkloadSettings["mix"][number]["name"]) => [{ name, share: 1 }];

describe("random", () => {
  test("prompts have the length that is asked for, and differ from each other and with the seed", async () => {
    const found = await firsts({ promptTokens: { low: 24, high: 44 }, outputTokens: { low: 3, high: 9 } });
    for (const { content, outputTokens } of found) {
      expect(wordsOf(content)).toBeGreaterThanOrEqual(10);
      expect(wordsOf(content)).toBeLessThanOrEqual(20);
      expect(outputTokens).toBeGreaterThanOrEqual(3);
      expect(outputTokens).toBeLessThanOrEqual(9);
    }
    expect(new Set(found.map(({ scope }) => scope)).size).toBe(30);
    const range = { promptTokens: { low: 24, high: 44 }, outputTokens: { low: 3, high: 9 } };
    expect(await firsts(range)).toEqual(found);
    expect(await firsts(range, 2)).not.toEqual(found);
  });

  test("ids are as many as asked for, all in the vocabulary", async () => {
    for (const { content } of await firsts({ promptTokens: { low: 7, high: 7 }, vocabSize: 50 })) {
      if (content.kind !== "ids") throw new Error("expected ids");
      expect(content.ids).toHaveLength(7);
      for (const id of content.ids) expect(id >= 0 && id < 50).toBe(true);
    }
  });
});

test("shared-prefix: prompts of a group begin alike and end differently, and a scope is a group", async () => {
  const found = await firsts({ mix: mix("shared-prefix"), groups: 3, prefixTokens: 44 });
  const groups = new Map<string, Set<string>>();
  for (const { content, scope } of found) {
    if (content.kind !== "turns") throw new Error("expected turns");
    expect(content.turns.map(({ role }) => role)).toEqual(["system", "user"]);
    groups.set(scope, (groups.get(scope) ?? new Set()).add(content.turns[0]!.content));
  }
  expect([...groups.values()].map(({ size }) => size)).toEqual([1, 1, 1]);
  expect(new Set(found.map(({ content }) => textOf(content))).size).toBe(30);
});

test("multi-turn: each turn sends all that was said, answers included, after a time to think", async () => {
  const workload = await open({
    mix: mix("multi-turn"),
    turns: { low: 3, high: 3 },
    thinkSeconds: { low: 0.5, high: 0.6 },
  });
  const session: Session = workload.session(4);
  const asked = [session.next()!, session.next("one")!, session.next("two")!];
  expect(session.next("three")).toBeUndefined();
  const said = asked.map(({ content }) => (content.kind === "turns" ? content.turns : []));
  expect(said.map((turns) => turns.length)).toEqual([1, 3, 5]);
  expect(said[2]!.slice(0, 3)).toEqual(said[1]);
  expect(said[2]!.map(({ role }) => role)).toEqual(["user", "assistant", "user", "assistant", "user"]);
  expect([said[2]![1]!.content, said[2]![3]!.content]).toEqual(["one", "two"]);
  const [first, second] = asked.map(({ thinkMs }) => thinkMs);
  expect(first).toBe(0);
  expect(second).toBeGreaterThanOrEqual(500);
  expect(new Set(asked.map(({ scope }) => scope)).size).toBe(1);
});

test("a mix takes sessions of each kind, about as often as it says", async () => {
  const workload = await open({
    mix: [
      { name: "random", share: 3 },
      { name: "shared-prefix", share: 1 },
    ],
  });
  const names = Array.from({ length: 1000 }, (_, i) => workload.session(i).workload);
  const share = names.filter((name) => name === "random").length / 1000;
  expect(Math.abs(share - 0.75)).toBeLessThan(0.05);
});

describe("file", () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), "kvasir-bench-"));
  });
  afterAll(() => rm(folder, { recursive: true }));
  const read = async (text: string) => {
    const file = path.join(folder, "bodies.jsonl");
    await writeFile(file, text);
    return open({ mix: mix("file"), file });
  };

  test("gives each body in turn, and then the first again", async () => {
    const workload = await read('{"prompt": "a"}\n\n{"messages": []}\n');
    const bodies = [0, 1, 2].map((i) => workload.session(i).next()!.content);
    expect(bodies).toEqual([
      { kind: "body", body: { prompt: "a" } },
      { kind: "body", body: { messages: [] } },
      { kind: "body", body: { prompt: "a" } },
    ]);
  });

  test.each([
    ["", /expected a JSON object in a line, received none/],
    ['{"prompt": "a"}\n{', /line 2: expected a JSON object, received "\{"/],
    ["[1]", /line 1: expected a JSON object/],
    ['{"max_tokens": 3}', /line 1: expected a body with prompt or messages/],
  ])("refuses %j by its line", async (text, message) => {
    await expect(read(text)).rejects.toThrow(message);
  });
});
