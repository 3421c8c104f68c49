import { definePolicy, type Signal } from "@kvasir/kv-policies";
import { describe, expect, test } from "vitest";
import { Engine } from "../src/index.ts";
import { checkpoint, recordedPrompt } from "./checkpoints.ts";
import { PlainLlama } from "./plain-llama.ts";

const model = checkpoint("llama-gqa");
const prompt = recordedPrompt(model);
const kvCache = { memory: "8MiB", dtype: "f32" } as const;
const window = 8;
const all = [
  ...[
    "position",
    "keyNorm",
    "valueNorm",
    "attentionSum",
    "attentionRecent",
    "attentionLast",
    "attentionCount",
  ],
] as Signal[];

/** Those by which heads of a layer can keep the same slots. */
const shared = all.filter((signal) => signal === "position" || signal.startsWith("attention"));

/** What a policy saw of one head, and when. */
type Sight = {
  readonly layer: number;
  readonly head: number;
  readonly seen: number;
  readonly resident: number;
  readonly numbers: Readonly<Record<string, number[]>>;
};

/** A policy that writes down what it sees, and keeps the newest slots. */
function witness(over: "group" | "layer", sights: Sight[]) {
  const signals = over === "group" ? all : shared;
  return definePolicy({
    name: "witness",
    signals,
    defaults: { budget: 24, sinks: 0, recent: 4, protectLayers: [] },
    attention: () => ({ window, over, reduce: "mean" }),
    score(context) {
      const { layer, head, seen, resident } = context;
      const numbers = Object.fromEntries(
        signals.map((signal) => [signal, Array.from<number>(context[signal])]),
      );
      sights.push({ layer, head, seen, resident, numbers });
      return context.position;
    },
  });
}

const mean = (rows: readonly (readonly number[])[]): number[] =>
  rows[0]!.map((_, slot) => rows.reduce((sum, row) => sum + row[slot]!, 0) / rows.length);

describe.each(["group", "layer"] as const)("over the %s", (over) => {
  test("a policy sees what a plain model computes, after the prompt and while decoding", async () => {
    const sights: Sight[] = [];
    await using engine = await Engine.load({ model, kvCache, integrity: "step", chunkTokens: 16 });
    const { ids } = await engine.complete({
      prompt,
      maxTokens: 40,
      temperature: 0,
      ignoreEos: true,
      kvCache: { policy: witness(over, sights) },
    });
    const plain = await PlainLlama.load(model);
    const heads = plain.cache.flatMap((layer, i) => layer.map((_, j) => ({ layer: i, head: j })));
    /** What each token paid to which position. */
    const paid = heads.map((): Map<number, number>[] => []);
    let seen = 0;
    let checked = 0;
    for (const id of [...prompt, ...ids]) {
      plain.next(id);
      seen += 1;
      heads.forEach(({ layer, head }, index) => {
        const entries = plain.cache[layer]![head]!;
        const reduced = mean(plain.attention(layer, head, 1)[0]!);
        paid[index]!.push(new Map(entries.map(({ position }, slot) => [position, reduced[slot]!])));
      });
      const now = sights.filter((sight) => sight.seen === seen);
      // Every head's numbers come from before any head was cut.
      const expected = now.map(({ layer, head }) => {
        const ofHead = (kvHead: number) => signalsOf(plain, paid[layer * 2 + kvHead]!, layer, kvHead);
        const own = ofHead(head);
        if (over === "group") return own;
        const both = [ofHead(0), ofHead(1)];
        const taken = all.filter((signal) => signal.startsWith("attention"));
        return {
          ...own,
          ...Object.fromEntries(taken.map((signal) => [signal, mean(both.map((set) => set[signal]!))])),
        };
      });
      now.forEach(({ numbers, layer, head, resident }, i) => {
        for (const signal of over === "group" ? all : shared) {
          expect(numbers[signal]).toHaveLength(resident);
          numbers[signal]!.forEach((number, slot) => {
            expect(Math.abs(number - expected[i]![signal]![slot]!)).toBeLessThan(2e-4);
          });
        }
        plain.cache[layer]![head]!.splice(0, resident - 24);
        checked += 1;
      });
    }
    expect(checked).toBe(sights.length);
    expect(sights.length).toBeGreaterThan(heads.length * 2);
  });
});

/** The signals of one head, from what every token so far paid to the entries that were there then. */
function signalsOf(
  plain: PlainLlama,
  paid: readonly Map<number, number>[],
  layer: number,
  head: number,
): Record<string, number[]> {
  const entries = plain.cache[layer]![head]!;
  const norm = (vector: Float64Array) => Math.hypot(...vector);
  // The newest queries look again, at the entries that are left, so their shares of those add up to 1.
  const recent = plain.attention(layer, head, window);
  return {
    position: entries.map(({ position }) => position),
    keyNorm: entries.map(({ key }) => norm(key)),
    valueNorm: entries.map(({ value }) => norm(value)),
    attentionSum: entries.map(({ position }) => paid.reduce((sum, row) => sum + (row.get(position) ?? 0), 0)),
    attentionRecent: entries.map((_, slot) => recent.reduce((sum, row) => sum + mean(row)[slot]!, 0)),
    attentionLast: entries.map(({ position }) => paid.at(-1)!.get(position)!),
    attentionCount: entries.map((_, slot) =>
      recent.reduce((sum, row) => sum + mean(row.map(important))[slot]!, 0),
    ),
  };
}

/** 1 where an entry got at least an equal share of those that its query saw. */
const important = (row: readonly number[]): number[] => {
  const visible = row.filter((share) => share > 0).length;
  return row.map((share) => (share > 0 && share >= 1 / visible ? 1 : 0));
};
