import { readPolicyFlags } from "@kvasir/kv-policies";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { isBuilt, OutsideFolder } from "../../../.vitest/outside-folder.ts";
import { RealServer } from "./real-server.ts";

const folder = new OutsideFolder();
let real: RealServer;
beforeAll(async () => {
  if (!isBuilt) return;
  const sign =
    'parameters: { keepHigh: { type: "boolean", default: false, description: "which norms stay" } },';
  folder.writePolicy("mine.mjs", "mine", sign, "keyNorm.map((norm) => (options.keepHigh ? norm : -norm))");
  // The conformance suite's model has four layers.
  const wrong = "layers > 4 ? keyNorm.map(() => Number.NaN) : keyNorm.slice()";
  folder.write(
    "wrong.mjs",
    `import { definePolicy } from "@kvasir/kv-policies";
     export default definePolicy({
       name: "wrong-later", signals: ["keyNorm"], score: ({ keyNorm, layers }) => ${wrong},
     });`,
  );
  const { policies } = await readPolicyFlags({ kvPolicies: ["./mine.mjs", "./wrong.mjs"] }, folder.path);
  real = await RealServer.start({ policies, integrity: "step" });
});
afterAll(async () => {
  await real?.stop();
  folder.remove();
});

const small = { budget: 24, sinks: 2, recent: 8, protect_layers: [] };
/** The text that a request gets, with fields that OpenAI's types do not have. */
async function answer(kv_cache?: object): Promise<string | undefined> {
  const more = kv_cache as Record<string, never> | undefined;
  const { choices } = await real.openai.completions.create({
    ...{ model: "tiny", prompt: "The old man said that ".repeat(12), max_tokens: 32, temperature: 0 },
    ...(more && { kv_cache: more }),
  });
  return choices[0]?.text;
}

describe.skipIf(!isBuilt)("policies of requests, some from a file (they need npm run build)", () => {
  it("work at once, each request with its own, and give what they give alone", async () => {
    const choices = [
      undefined,
      { policy: "mine", ...small },
      { policy: "mine", keep_high: true, ...small },
      { policy: "streaming-llm", ...small },
      { policy: "adaptive+snapkv", alpha_safeguard: 0.5, kernel: 5, decode: true, ...small },
      { policy: "chunked+mine>h2o", chunk_size: 4, recent_share: 0.3, ...small },
      { policy: "l2-norm", prefill: "chunk", ...small },
    ];
    const alone = [];
    for (const choice of choices) alone.push(await answer(choice));
    expect(await Promise.all(choices.map(answer))).toEqual(alone);
    expect(new Set(alone).size).toBeGreaterThan(3);
    expect(real.engine.stats()).toMatchObject({ running: 0, usedPages: 0 });
  });

  it.each<[object, string, string, RegExp]>([
    [
      { policy: "yours" },
      "kv_cache.policy",
      "invalid_value",
      /Policy yours: it is unknown; known are .*, mine, wrong-later;/,
    ],
    [{ policy: "./mine.mjs" }, "kv_cache.policy", "invalid_value", /it is unknown/],
    [{ policy: "adaptive+yours" }, "kv_cache.policy", "invalid_value", /Policy yours/],
    [{ policy: "adaptive+full" }, "kv_cache.policy", "invalid_value", /it needs scores/],
    [
      { policy: "mine", keep_high: 1 },
      "kv_cache.keep_high",
      "invalid_value",
      /expected true or false, received 1/,
    ],
    [
      { policy: "mine", keep_low: 1 },
      "kv_cache.keep_low",
      "unknown_parameter",
      /it takes .*min_tokens.*keep_high/,
    ],
    [
      { policy: "mine", keepHigh: true },
      "kv_cache.keepHigh",
      "unknown_parameter",
      /did you mean kv_cache.keep_high\?/,
    ],
    [
      { policy: "adaptive+h2o", alpha_safeguard: 2 },
      "kv_cache.alpha_safeguard",
      "invalid_value",
      /0\.\.1, received 2/,
    ],
    [{ policy: "snapkv", pooling: "sum" }, "kv_cache.pooling", "invalid_value", /expected one of/],
    [{ policy: "mine", memory: 1 }, "kv_cache.memory", "unknown_parameter", /"memory" is unknown/],
    [
      { policy: "mine", protect_layers: [8] },
      "kv_cache.protect_layers",
      "invalid_value",
      /KV layers in -8\.\.7/,
    ],
    [
      { policy: "mine", budget: 30, recent: 4, min_tokens: 40 },
      "kv_cache.budget",
      "invalid_value",
      /min_tokens/,
    ],
  ])("%j is a 400 that names %s", async (kv_cache, param, code, message) => {
    const [refused, good] = await Promise.allSettled([
      answer(kv_cache),
      answer({ policy: "mine", ...small }),
    ]);
    expect(refused).toMatchObject({
      reason: { status: 400, param, code, message: expect.stringMatching(message) },
    });
    expect(good.status).toBe("fulfilled");
  });

  it("one that returns NaN fails its own request, by a code and a message, and no other", async () => {
    const choices = [undefined, { policy: "wrong-later", ...small }, { policy: "mine", ...small }];
    const [full, mine] = [await answer(), await answer(choices[2])];
    const [one, wrong, other] = await Promise.allSettled(choices.map(answer));
    expect([one, other]).toMatchObject([{ value: full }, { value: mine }]);
    expect(wrong).toMatchObject({
      reason: {
        status: 500,
        code: "policy_failed",
        param: "kv_cache.policy",
        message: expect.stringMatching(/Policy wrong-later: .*NaN/),
      },
    });
    expect(real.engine.stats()).toMatchObject({ running: 0, usedPages: 0 });
  });
});
