import { builtInPolicies, definePolicy, type PolicyDefinition } from "@kvasir/kv-policies";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Engine, type EngineOptions, type PolicyChoice } from "../src/index.ts";
import { checkpoint, recordedPrompt } from "./checkpoints.ts";

const model = checkpoint("llama-gqa");
const prompt = recordedPrompt(model);
const small = { budget: 24, sinks: 0, recent: 4 };
const normal = { prompt, maxTokens: 40, temperature: 0, ignoreEos: true } as const;

const mine = definePolicy({
  name: "mine",
  signals: ["valueNorm"],
  parameters: {
    sign: { type: "choice", values: ["low", "high"], default: "low", description: "which norms are kept" },
  },
  score: ({ valueNorm, options: { sign } }) =>
    sign === "high" ? valueNorm.slice() : valueNorm.map((norm) => -norm),
});
const base: EngineOptions = { model, integrity: "step", kvCache: { memory: "16MiB", dtype: "f32" } };

describe("an engine that knows a policy more", () => {
  let engine: Engine;
  beforeAll(async () => {
    engine = await Engine.load({
      ...base,
      policies: [mine],
      kvCache: { ...base.kvCache, policy: "mine", ...small },
    });
  });
  afterAll(() => engine.dispose());

  const ids = async (kvCache?: PolicyChoice) =>
    (await engine.complete({ ...normal, ...(kvCache && { kvCache }) })).ids;

  test("takes its name for itself and from requests, the same as the definition", async () => {
    expect(engine.info.policy).toBe("mine");
    const own = await ids();
    expect(await ids({ policy: "mine", ...small })).toEqual(own);
    expect(await ids({ policy: mine, ...small })).toEqual(own);
    expect(await ids({ policy: "mine", sign: "high", ...small })).not.toEqual(own);
    expect(await ids({ policy: "full" })).not.toEqual(own);
  });

  test.each(["adaptive+mine", "chunked+mine>h2o", "snapkv>mine"])(
    "takes %s, and requests with different policies at once get what they get alone",
    async (policy) => {
      const choices = [{ policy, ...small }, { policy: "mine", ...small }, { policy: "full" }];
      const alone = [];
      for (const choice of choices) alone.push(await ids(choice));
      expect(await Promise.all(choices.map(ids))).toEqual(alone);
      expect(engine.stats()).toMatchObject({ running: 0, usedPages: 0 });
    },
  );

  test("lists all names that it knows where one is unknown", async () => {
    const names = [...builtInPolicies.map(({ name }) => name), "mine"].join(", ");
    await expect(ids({ policy: "yours" })).rejects.toMatchObject({
      code: "invalid-request",
      param: "kvCache.policy",
      message: expect.stringContaining(`known are ${names};`),
    });
  });

  test.each([
    [{ policy: "mine", sign: "both" }, "kvCache.sign"],
    [{ policy: "mine", gain: 1 }, "kvCache.gain"],
    [{ policy: "adaptive+mine", alphaSafeguard: 2 }, "kvCache.alphaSafeguard"],
    [{ policy: "adaptive+full" }, "kvCache.policy"],
    [{ policy: { ...mine } }, "kvCache.policy"],
  ])("refuses %j by name", async (kvCache, param) => {
    await expect(ids(kvCache)).rejects.toMatchObject({ code: "invalid-request", param });
  });
});

test.each<[string, unknown, RegExp]>([
  ["a list of nothing", null, /expected an array/],
  ["one alone", mine, /expected an array/],
  ["a name", ["h2o"], /Policy without a name: it was not made by definePolicy/],
  ["a copy of a policy", [{ ...mine }], /Policy mine: it was not made by definePolicy/],
  [
    "a built-in name",
    [definePolicy({ name: "h2o", signals: [] })],
    /Policy h2o: a built-in policy has this name/,
  ],
  ["one name twice", [mine, definePolicy({ name: "mine", signals: [] })], /Policy mine: another policy/],
])("policies: %s is refused before anything is loaded", async (_, policies, message) => {
  const loading = Engine.load({ ...base, model: "/nowhere", policies: policies as PolicyDefinition[] });
  await expect(loading).rejects.toMatchObject({
    code: "invalid-options",
    param: "policies",
    message: expect.stringMatching(message),
  });
});
