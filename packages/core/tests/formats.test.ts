import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { Engine, type EngineEvent, type GenerateRequest } from "../src/index.ts";
import { bePatient } from "../src/mask-patience.ts";
import type { Sequence } from "../src/sequence.ts";
import { tiny } from "./checkpoints.ts";
import { outcome } from "./outcome.ts";

const person = {
  type: "json-schema",
  schema: {
    type: "object",
    properties: {
      name: { type: "string", minLength: 1, maxLength: 12 },
      age: { type: "integer", minimum: 0, maximum: 120 },
      tags: { type: "array", items: { enum: ["red", "green", "blue"] }, minItems: 1, maxItems: 3 },
    },
    required: ["name", "age", "tags"],
  },
} as const;
const base = { prompt: "Once upon a time", maxTokens: 120, format: person } as const;
const schema = (value: Record<string, unknown>): GenerateRequest["format"] => ({
  type: "json-schema",
  schema: value,
});

function expectPerson(text: string): void {
  const value = JSON.parse(text);
  expect(Object.keys(value)).toEqual(["name", "age", "tags"]);
  expect(value.name).toMatch(/^.{1,12}$/su);
  expect(value.age).toSatisfy((age: number) => Number.isInteger(age) && age >= 0 && age <= 120);
  expect(value.tags.length).toBeLessThanOrEqual(3);
  for (const tag of value.tags) expect(["red", "green", "blue"]).toContain(tag);
}

let engine: Engine;
beforeAll(async () => {
  engine = await Engine.load({ model: tiny, kvCache: { memory: "24MiB" }, integrity: "step" });
});
afterAll(() => engine.dispose());

describe("an answer in a format", () => {
  test("is what the schema describes, streamed and whole, and ends when it is complete", async () => {
    for (let seed = 0; seed < 6; seed++) {
      const request = { ...base, seed, temperature: seed % 2 };
      let text = "";
      let last: unknown;
      for await (const chunk of engine.generate(request)) {
        expect(chunk.ids.length).toBe(1);
        expect(last).toBeUndefined();
        text += chunk.text;
        last = chunk.finishReason;
      }
      expect(last).toBe("stop");
      expectPerson(text);
      expect((await engine.complete(request)).text).toBe(text);
    }
  });

  test("is the same beside others, with and without formats", async () => {
    const requests: GenerateRequest[] = Array.from({ length: 24 }, (_, seed) => ({
      prompt: `Number ${seed}`,
      maxTokens: 60,
      seed,
      logprobs: 1,
      ...(seed % 3 === 0 && { format: person }),
      ...(seed % 3 === 1 && { format: { type: "json-object" } as const }),
    }));
    const alone = [];
    for (const request of requests) alone.push(outcome(await engine.complete(request)));
    const together = await Promise.all(requests.map((request) => engine.complete(request)));
    expect(together.map(outcome)).toEqual(alone);
    for (const [i, { text, finishReason }] of together.entries()) {
      if (i % 3 === 0) expectPerson(text);
      if (i % 3 === 1 && finishReason === "stop") expect(JSON.parse(text)).toBeTypeOf("object");
    }
    expect(engine.stats()).toMatchObject({ running: 0, waiting: 0 });
  });

  test("is an object where any will do", async () => {
    for (let seed = 0; seed < 4; seed++) {
      const request = { ...base, seed, format: { type: "json-object" }, maxTokens: 200 } as const;
      const { text, finishReason } = await engine.complete(request);
      expect(text).toMatch(/^\{/);
      if (finishReason === "stop") expect(JSON.parse(text)).toBeTypeOf("object");
    }
  });

  test("says whether it was cut, or complete with the last token", async () => {
    const whole = { ...base, seed: 3, format: schema({ const: "abcdefgh" }) };
    const { ids, finishReason, usage } = await engine.complete(whole);
    expect(finishReason).toBe("stop");
    expect(usage.completionTokens).toBe(ids.length);
    const exact = await engine.complete({ ...whole, maxTokens: ids.length });
    expect(exact).toMatchObject({ text: '"abcdefgh"', finishReason: "stop" });
    const cut = await engine.complete({ ...whole, maxTokens: ids.length - 1 });
    expect(cut.finishReason).toBe("length");
    expect('"abcdefgh"'.startsWith(cut.text)).toBe(true);
  });

  test("may end with a stop string, and goes on past the end of a text that is not asked for", async () => {
    const stopped = await engine.complete({ ...base, seed: 1, stop: '"age"' });
    expect(stopped).toMatchObject({ finishReason: "stop" });
    expect(stopped.text).not.toContain('"age"');
    const ignoring = await engine.complete({ ...base, seed: 1, ignoreEos: true });
    expectPerson(ignoring.text);
  });

  test("outlives preemption", async () => {
    const requests = Array.from({ length: 8 }, (_, seed) => ({
      ...base,
      prompt: `Number ${seed} of them all`,
      seed,
      id: `${seed}`,
    }));
    const expected = [];
    for (const request of requests) expected.push((await engine.complete(request)).text);
    const events: EngineEvent[] = [];
    await using small = await Engine.load({
      model: tiny,
      prefixCache: false,
      integrity: "step",
      onEvent: (event) => events.push(event),
      kvCache: { memory: 140 * engine.info.bytesPerToken },
    });
    const answers = await Promise.all(requests.map((request) => small.complete(request)));
    expect(answers.map(({ text }) => text)).toEqual(expected);
    expect(events.some(({ type }) => type === "preempted")).toBe(true);
  });
});

describe("a format that cannot be", () => {
  test.each<[string, unknown, string]>([
    ["no object", "json", "format: expected an object, received"],
    ["of another type", { type: "xml" }, 'format: expected a type of "json-object" or "json-schema"'],
    ["without a schema", { type: "json-schema" }, "format.schema: expected an object or a boolean"],
    [
      "that is not enforced",
      schema({ properties: { a: { not: {} } } }),
      "format.schema.properties.a.not: this keyword",
    ],
    [
      "that nothing satisfies",
      schema({ type: "integer", minimum: 2, maximum: 1 }),
      "format.schema: no finite value",
    ],
    [
      "too large",
      schema({ description: "a".repeat(300_000) }),
      "format.schema.description: expected at most",
    ],
  ])("%s is refused, and the next request works", async (_, format, message) => {
    const request = { ...base, format } as GenerateRequest;
    const refused = expect.objectContaining({
      code: "invalid-request",
      param: "format",
      message: expect.stringContaining(message),
    });
    await expect(engine.complete(request)).rejects.toEqual(refused);
    expectPerson((await engine.complete({ ...base, seed: 2 })).text);
  });
});

describe("leaving", () => {
  test("early, by the signal or with the engine frees everything", async () => {
    const own = await Engine.load({ model: tiny, kvCache: { memory: "24MiB" } });
    for await (const _ of own.generate(base)) break;
    const controller = new AbortController();
    const aborted = (async () => {
      for await (const _ of own.generate({ ...base, signal: controller.signal })) controller.abort("enough");
    })();
    await expect(aborted).rejects.toBe("enough");
    const left = own.complete(base);
    await vi.waitFor(() => expect(own.stats().running).toBe(1));
    const failed = expect(left).rejects.toMatchObject({ code: "disposed" });
    await own.dispose();
    await failed;
  });
});

describe("patience with masks", () => {
  const waiting = (milliseconds: number, since = performance.now()) => {
    const settled = new Promise<void>((resolve) => setTimeout(resolve, milliseconds));
    return { awaited: { settled, since } } as unknown as Sequence;
  };
  const none = { awaited: undefined } as unknown as Sequence;

  test("waits for masks that come soon, and not at all without them", async () => {
    let isThere = false;
    const soon = waiting(1);
    void soon.awaited!.settled.then(() => {
      isThere = true;
    });
    await bePatient([none, soon]);
    expect(isThere).toBe(true);
    await bePatient([none]);
  });

  test("ends for late masks, and does not begin again for them", async () => {
    let isThere = false;
    const late = waiting(5_000);
    void late.awaited!.settled.then(() => {
      isThere = true;
    });
    await bePatient([late, none]);
    await bePatient([waiting(5_000, performance.now() - 1_000)]);
    expect(isThere).toBe(false);
  });
});
