import { expect, test } from "vitest";
import type { Clock } from "./clock.ts";
import type { Figure, JsonValue, Part, ReproduceSettings } from "./figure.ts";
import { reproduceShapes } from "./reproduce-shape.ts";
import { type RunFiguresOptions, runFigures } from "./run-figures.ts";
import { SavedParts } from "./saved-parts.ts";

const machine = { cpu: "", processors: 1, device: "" };
const circumstances = { shape: "15m", seed: 1, version: "", machine };

/** A clock that stands still but for what parts say that they take. */
class FakeClock implements Clock {
  #now = 1000;
  #timers: { at: number; callback: () => void }[] = [];

  now(): number {
    return this.#now;
  }

  after(seconds: number, callback: () => void): () => void {
    const timer = { at: this.#now + seconds, callback };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((one) => one !== timer);
    };
  }

  pass(seconds: number): void {
    this.#now += seconds;
    for (const { callback } of this.#timers.filter(({ at }) => at <= this.#now)) callback();
  }

  get waiting(): number {
    return this.#timers.length;
  }
}

const clock = new FakeClock();

type Fake = Partial<Part> & { readonly key: string; readonly takes?: number };

/** A part that looks at its signal every second, as parts are to. */
function fakePart({ takes = 1, ...part }: Fake): Part {
  return {
    ...{ label: part.key, seconds: 1, rank: 0 },
    async measure({ signal, onProgress }) {
      for (let second = 0; second < takes; second++) {
        clock.pass(1);
        await Promise.resolve();
        signal.throwIfAborted();
        onProgress((second + 1) / takes);
      }
      return part.key;
    },
    ...part,
  };
}

const figureOf = (name: string, ...parts: readonly Fake[]): Figure => ({
  ...{ name, title: name, source: "" },
  parts: () => parts.map(fakePart),
  section: () => ({ run: "", blocks: [], findings: [], missing: [] }),
});

async function ran(figures: readonly Figure[], over: Partial<RunFiguresOptions> = {}) {
  const outcomes = await runFigures({
    figures,
    settings: { shape: reproduceShapes["15m"], seed: 1 } as unknown as ReproduceSettings,
    saved: SavedParts.none(circumstances),
    clock,
    signal: new AbortController().signal,
    ...over,
  });
  expect(clock.waiting).toBe(0);
  return outcomes.map(({ part, state }) => `${part.key} ${state}`);
}

test("parts run by rank, then in the figures' order", async () => {
  const figures = [
    figureOf("a", { key: "a1", rank: 1 }, { key: "a0", rank: 0 }),
    figureOf("b", { key: "b0", rank: 0 }, { key: "b2", rank: 2 }, { key: "b1", rank: 1 }),
  ];
  const order = ["a0", "b0", "a1", "b1", "b2"];
  expect(await ran(figures)).toEqual(order.map((key) => `${key} measured`));
});

test("saved parts are not measured again", async () => {
  const saved = SavedParts.none(circumstances);
  const figures = [figureOf("a", { key: "1" }, { key: "2" })];
  await saved.add("a", "2", 5, "earlier");
  expect(await ran(figures, { saved })).toEqual(["2 saved", "1 measured"]);
  expect(await ran(figures, { saved })).toEqual(["1 saved", "2 saved"]);
  expect(saved.find("a", "2")?.result).toBe("earlier");
});

test("a part only begins if it is expected to fit in what is left; shorter ones behind it still may", async () => {
  const figures = [
    figureOf(
      "a",
      { key: "half", seconds: 30, takes: 30 },
      { key: "too long", seconds: 31, takes: 31 },
      { key: "rest", seconds: 30, takes: 30 },
      { key: "no room", seconds: 1 },
    ),
  ];
  const expected = ["half measured", "too long out of time", "rest measured", "no room out of time"];
  expect(await ran(figures, { minutes: 1 })).toEqual(expected);
  expect(await ran(figures)).toEqual(expected.map((line) => line.replace("out of time", "measured")));
});

test("estimates are corrected by how long measured parts took, in this run and before", async () => {
  const slow = figureOf(
    "a",
    { key: "slow", seconds: 10, takes: 20 },
    { key: "next", seconds: 21, takes: 42 },
  );
  expect(await ran([slow], { minutes: 1 })).toEqual(["slow measured", "next out of time"]);
  const fast = figureOf(
    "a",
    { key: "fast", seconds: 30, takes: 10 },
    { key: "next", seconds: 100, takes: 1 },
  );
  expect(await ran([fast], { minutes: 1 })).toEqual(["fast measured", "next measured"]);
  const saved = SavedParts.none(circumstances);
  await saved.add("a", "before", 1, 0);
  const known = figureOf("a", { key: "before", seconds: 10 }, { key: "next", seconds: 500, takes: 1 });
  expect(await ran([known], { saved, minutes: 1 })).toEqual(["before saved", "next measured"]);
});

test("a part that goes on far beyond the end is given up, and what is behind it is not begun", async () => {
  // Ten minutes: a part may go on to three times its estimate, but no further than a minute beyond the end.
  const times = async (seconds: number, takes: number) => {
    const begun = clock.now();
    const figures = [figureOf("a", { key: "long", seconds, takes }, { key: "next" })];
    const [outcome] = await ran(figures, { minutes: 10 });
    return [outcome, clock.now() - begun];
  };
  expect(await times(599, 630)).toEqual(["long measured", 630]);
  expect(await times(599, 5000)).toEqual(["long out of time", 660]);
  expect(await times(210, 5000)).toEqual(["long out of time", 630]);
  expect(await times(100, 5000)).toEqual(["long out of time", 600]);
  expect(await times(100, 500)).toEqual(["long measured", 501]);
});

test("what an interruption cuts short is given up, and what was finished is kept", async () => {
  const controller = new AbortController();
  const saved = SavedParts.none(circumstances);
  const stop: Fake = {
    key: "2",
    async measure({ signal }) {
      controller.abort();
      signal.throwIfAborted();
      return null;
    },
  };
  const figures = [figureOf("a", { key: "1" }, stop, { key: "3" })];
  const expected = ["1 measured", "2 interrupted", "3 interrupted"];
  expect(await ran(figures, { saved, signal: controller.signal })).toEqual(expected);
  expect(["1", "2"].map((key) => saved.find("a", key) !== undefined)).toEqual([true, false]);
});

const fails = (key: string, result: () => JsonValue): Fake => ({ key, measure: async () => result() });

test("a part that throws, or gives a number that JSON does not hold, has failed alone", async () => {
  const saved = SavedParts.none(circumstances);
  const parts = [
    fails("throws", () => {
      throw new Error("no memory");
    }),
    fails("not finite", () => ({ rows: [{ ms: Number.NaN }] })),
    { key: "after" },
  ];
  const messages: string[] = [];
  const outcomes = await ran([figureOf("a", ...parts)], {
    saved,
    onOutcome: (outcome) => messages.push("message" in outcome ? outcome.message : ""),
  });
  expect(outcomes).toEqual(["throws failed", "not finite failed", "after measured"]);
  expect(messages).toEqual(["no memory", "ms: expected a finite number, received NaN", ""]);
  expect(saved.find("a", "throws")).toBeUndefined();
});

test("a result is the same at once as after it was saved", async () => {
  const saved = SavedParts.none(circumstances);
  const figure = figureOf(
    "a",
    fails("k", () => ({ kept: -0, dropped: undefined }) as unknown as JsonValue),
  );
  await ran([figure], { saved });
  expect(saved.find("a", "k")?.result).toStrictEqual({ kept: 0 });
});

test("progress goes from 0 to the end of what fits, and names what is measured", async () => {
  const shares: number[] = [];
  const figures = [
    figureOf("a", { key: "1", seconds: 20, takes: 20 }, { key: "2", seconds: 60 }, { key: "3", seconds: 20 }),
  ];
  const names = new Set<string>();
  await ran(figures, {
    minutes: 1,
    onProgress: ({ done, total, now }) => {
      shares.push(done / total);
      names.add(now);
    },
  });
  expect(shares[0]).toBe(0);
  expect(shares.at(-1)).toBe(1);
  expect(shares).toEqual(shares.toSorted((a, b) => a - b));
  expect([...names]).toEqual(["a: 1", "a: 3"]);
});

test("two parts of a figure with one key are an error", async () => {
  await expect(ran([figureOf("a", { key: "k" }, { key: "k" })])).rejects.toThrow(/a: two of its parts/);
});
