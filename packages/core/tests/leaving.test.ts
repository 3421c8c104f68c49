import { afterEach, expect, test, vi } from "vitest";
import { Engine, type EngineEvent, type EngineStats, type GenerateRequest } from "../src/index.ts";
import { StepRunner } from "../src/step-runner.ts";
import { recordedPrompt, tiny } from "./checkpoints.ts";

type StepEvent = Extract<EngineEvent, { type: "step" }>;

const recorded = recordedPrompt(tiny);
const prompt = (length: number, step: number) =>
  Array.from({ length }, (_, i) => recorded[(i * step) % recorded.length]!);
const other: GenerateRequest = { prompt: prompt(20, 1), maxTokens: 60, temperature: 0, ignoreEos: true };
const long: GenerateRequest = { prompt: prompt(400, 3), maxTokens: 400, temperature: 0, ignoreEos: true };

afterEach(() => vi.restoreAllMocks());

/** Calls `before` when a step is about to run, and `after` when it is under way. */
function watchSteps(before: () => void, after: () => void): void {
  const { run } = StepRunner.prototype;
  vi.spyOn(StepRunner.prototype, "run").mockImplementation(function (this: StepRunner, scheduled) {
    before();
    const step = run.call(this, scheduled);
    after();
    return step;
  });
}

const places = [
  ["while it waits", { maxRunning: 1 }, (_: StepEvent, { waiting }: EngineStats) => waiting === 1],
  [
    "while its prompt is read",
    { stepTokens: 8 },
    ({ promptTokens }: StepEvent, { logicalTokens }: EngineStats) => promptTokens > 0 && logicalTokens > 60,
  ],
  [
    "while it is answered",
    {},
    ({ tokens, promptTokens }: StepEvent, _: EngineStats) => tokens === 2 && promptTokens === 0,
  ],
] as const;

test.each(
  places.flatMap(([place, limits, isThere]) =>
    (["between two steps", "during a step"] as const).map(
      (moment) => [place, moment, limits, isThere] as const,
    ),
  ),
)(
  "whoever leaves %s, %s, holds nothing when the next step begins, and nobody else's answer changes",
  { timeout: 300_000 },
  async (_, moment, limits, isThere) => {
    for (const prefixCache of [true, false]) {
      const warnings: string[] = [];
      let stepped = (_: StepEvent) => {};
      await using engine = await Engine.load({
        model: tiny,
        ...limits,
        stepMilliseconds: 60_000, // so that no chunk depends on how fast the machine is
        prefixCache,
        integrity: "step",
        onWarning: (text) => warnings.push(text),
        onEvent: (event) => event.type === "step" && stepped(event),
        kvCache: { memory: "8MiB" },
      });
      const expected = (await engine.complete(other)).ids;
      engine.resetCache();

      const controller = new AbortController();
      /** What was held when each step began, and how many had begun when the reader left. */
      const begun: EngineStats[] = [];
      let leftAt: number | undefined;
      let waiting: number | undefined;
      const leave = () => {
        leftAt ??= begun.length;
        controller.abort("gone");
        waiting ??= engine.stats().waiting;
      };
      let leaving: Promise<unknown> | undefined;
      let isDue = false;
      stepped = (event) => {
        leaving ??= engine.complete({ ...long, signal: controller.signal }).catch((reason) => reason);
        isDue ||= isThere(event, engine.stats());
        if (isDue && moment === "between two steps") leave();
      };
      watchSteps(
        () => begun.push(engine.stats()),
        () => isDue && moment === "during a step" && leave(),
      );
      const { ids } = await engine.complete(other);
      expect(await leaving).toBe("gone");
      expect(waiting).toBe(0); // at once
      expect(ids).toEqual(expected);
      const after = begun.slice(leftAt);
      expect(after.length).toBeGreaterThan(10);
      expect(after.every(({ running, waiting }) => running === 1 && waiting === 0)).toBe(true);
      // What is in use is the other's alone: 20 + 60 tokens and the next one's place, in pages of 16.
      const heads = engine.info.kvLayers * engine.info.kvHeads;
      const most = Math.max(...after.map(({ usedPages }) => usedPages));
      expect(most).toBeLessThanOrEqual(heads * Math.ceil(81 / 16));
      expect(engine.stats()).toMatchObject({ running: 0, waiting: 0, usedPages: 0 });
      expect(warnings).toEqual([]);
      vi.restoreAllMocks();
    }
  },
);
