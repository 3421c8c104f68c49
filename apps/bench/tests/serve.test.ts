import { describe, expect, test } from "vitest";
import { defaultLoadSettings, type LoadSettings } from "../src/serve/load-settings.ts";
import { measureServer } from "../src/serve/measure-server.ts";
import { ScriptedServer, type ScriptOptions } from "./scripted-server.ts";

type Changes = Partial<Omit<LoadSettings, "workload">> & {
  readonly workload?: Partial<LoadSettings["workload"]>;
};

const settings = ({ workload, ...changes }: Changes = {}): LoadSettings => ({
  ...defaultLoadSettings,
  requests: 12,
  warmUp: 0,
  greedy: true,
  ...changes,
  workload: {
    ...defaultLoadSettings.workload,
    promptTokens: { low: 20, high: 20 },
    outputTokens: { low: 3, high: 3 },
    ...workload,
  },
});

async function measure(script: ScriptOptions, changes: Changes = {}) {
  await using server = await ScriptedServer.start(script);
  const report = await measureServer({ url: server.url, settings: settings(changes) });
  return { report, server };
}

/** Short requests that come before a run: how the server counts, and whether it has `cache_salt`. */
const probes = 4;

describe("against a scripted server", () => {
  test("every request is sent, answered and counted once", async () => {
    const { report, server } = await measure({});
    expect(server.asked).toHaveLength(probes + 12);
    expect(report).toMatchObject({
      server: { model: "scripted", version: { version: "7.8.9" } },
      requests: { sent: 12, completed: 12, failed: 0 },
      errors: [],
      tokens: { output: 36, cached: 0, hitRate: 0, countedByEvents: 0 },
      latencies: { ttft: { n: 12 }, itl: { n: 24 }, tpot: { n: 12 }, e2e: { n: 12 } },
      violations: [],
      tokensPerWord: 1,
    });
    const { ttft, e2e } = report.latencies;
    expect(ttft!.max).toBeLessThanOrEqual(e2e!.max);
    // 19 words and the one at the start, and in front of them the salt.
    expect(report.tokens.prompt).toBe(12 * 21);
  });

  test("warming up does not count, has other prompts and another salt", async () => {
    const { report, server } = await measure(
      {},
      { warmUp: 5, workload: { promptTokens: { low: 2, high: 2 } } },
    );
    expect(server.asked).toHaveLength(probes + 5 + 12);
    expect(report.requests).toMatchObject({ sent: 12, warmUp: 5 });
    expect(new Set(server.asked.slice(probes).map(({ prompt }) => prompt)).size).toBe(17);
  });

  test("two runs of a seed ask the same, but for the salt in front", async () => {
    const prompts = async (seed: number) => {
      const { server } = await measure({}, { seed, pace: { kind: "closed", clients: 1 } });
      return server.asked.slice(probes).map(({ prompt }) => prompt!.split(" "));
    };
    const [one, again, other] = [await prompts(3), await prompts(3), await prompts(4)];
    const said = (prompts: string[][]) => prompts.map(([, ...words]) => words.join(" "));
    expect(said(again)).toEqual(said(one));
    expect(said(other)).not.toEqual(said(one));
    const salts = [...one, ...again].map(([salt]) => salt);
    expect(new Set(salts).size).toBe(24);
  });

  test("the salt is a field where the server has it: it takes that one, and no unknown one", async () => {
    const strict = await measure({ refuses: ["kvasir_bench_unknown"] });
    expect(strict.report.cache.salt).toBe("cache_salt");
    expect(new Set(strict.server.asked.slice(-12).map(({ cache_salt }) => cache_salt)).size).toBe(12);
    const without = await measure({ refuses: ["kvasir_bench_unknown", "cache_salt"] });
    expect(without.report.cache.salt).toBe("text");
  });

  test("what the server turns away is counted by status and code", async () => {
    let asked = 0;
    const { report } = await measure({
      status: ({ max_tokens }) => (max_tokens === 3 && ++asked % 3 === 0 ? 429 : undefined),
    });
    expect(report.requests).toMatchObject({ sent: 12, completed: 8, failed: 4 });
    expect(report.errors).toEqual([{ status: 429, code: "scripted-429", count: 4 }]);
    expect(report.violations).toEqual([]);
  });

  test("a failure of the server is a violation", async () => {
    const { report } = await measure({ status: ({ max_tokens }) => (max_tokens === 3 ? 500 : undefined) });
    expect(report.violations).toEqual([
      expect.stringMatching(/^12 requests broke off/),
      "no request was completed",
    ]);
  });

  test("streams that the client leaves are counted, and no failures", async () => {
    const { report, server } = await measure(
      {},
      {
        workload: { outputTokens: { low: 150, high: 150 } },
        unruly: { ...defaultLoadSettings.unruly, cancel: 0.5 },
        requests: 40,
      },
    );
    const { completed, cancelled, failed } = report.requests;
    expect(completed + cancelled).toBe(40);
    expect(failed).toBe(0);
    expect(cancelled).toBeGreaterThan(5);
    // The server may have written all of a stream whose end was not wanted any more.
    expect(server.left).toBeLessThanOrEqual(cancelled);
    expect(server.left).toBeGreaterThan(0);
    expect(report.latencies.ttft!.n).toBe(completed);
  });

  test("malformed and oversized bodies are refused, and counted apart", async () => {
    const unruly = { cancel: 0, malformed: 0.4, oversized: 0.3, oversizedBytes: 4096 };
    const refusing = { status: ({ prompt = "" }) => (prompt.length > 2000 ? 413 : undefined) };
    const { report } = await measure(refusing, { unruly, requests: 60 });
    const { completed, refused, failed } = report.requests;
    expect(completed + refused).toBe(60);
    expect(refused).toBeGreaterThan(20);
    expect([failed, report.violations]).toEqual([0, []]);
    const lenient = await measure({}, { unruly, requests: 60 });
    expect(lenient.report.violations).toEqual([expect.stringMatching(/were not refused/)]);
    expect(lenient.report.errors).toEqual([
      expect.objectContaining({ status: 200, code: "oversized-accepted" }),
    ]);
  });

  test("an open loop sends while nothing is answered", async () => {
    let release = () => {};
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    let holding = 0;
    const { report } = await measure(
      {
        // Only requests of the run have three tokens; the last of them lets all go.
        parts: ({ max_tokens }) => (max_tokens === 3 ? ["a", "b", "c"] : ["a"]),
        hold: () => {
          holding++;
          if (holding === probes + 12) release();
          return holding <= probes ? Promise.resolve() : held;
        },
      },
      { pace: { kind: "open", rate: 2000, burstiness: 1, maxOpen: 100 } },
    );
    expect(report.requests).toMatchObject({ sent: 12, completed: 12, dropped: 0 });
  });

  test("whole answers have no token times, and tokens without usage are counted by events", async () => {
    const whole = await measure({}, { stream: false });
    expect(Object.keys(whole.report.latencies)).toEqual(["e2e"]);
    expect(whole.report.tokens.output).toBe(36);
    const uncounted = await measure({ usage: () => undefined });
    expect(uncounted.report.tokens).toEqual({ prompt: 0, output: 36, cached: 0, countedByEvents: 12 });
  });
});

describe("what a run may be called", () => {
  const cached = (tokens: (prompt: string) => number): ScriptOptions => ({
    usage: ({ prompt = "", max_tokens }) => ({
      prompt_tokens: prompt.split(" ").length,
      completion_tokens: max_tokens,
      prompt_tokens_details: { cached_tokens: tokens(prompt) },
    }),
  });

  test("cold is refused where one answer had a token from a cache", async () => {
    let answers = 0;
    const script = cached(() => (++answers === probes + 7 ? 5 : 0));
    await expect(measure(script, { cache: "cold" })).rejects.toThrow(
      /not cold: 1 of 12 answers took 5 prompt tokens/,
    );
    const { report } = await measure(
      cached(() => 0),
      { cache: "cold" },
    );
    expect(report.cache).toMatchObject({ claim: "cold", salt: "text" });
  });

  test("cold is refused where the server does not say", async () => {
    await expect(measure({ usage: () => undefined }, { cache: "cold" })).rejects.toThrow(/no answer has/);
  });

  test("warm sends everything once before, unsalted, and is refused where nothing was cached", async () => {
    const seen = new Set<string>();
    const { report, server } = await measure(
      cached((prompt) => {
        const known = seen.has(prompt);
        seen.add(prompt);
        return known ? prompt.split(" ").length : 0;
      }),
      { cache: "warm" },
    );
    expect(report.cache).toMatchObject({ claim: "warm", salt: "none" });
    expect(report.tokens.hitRate).toBe(1);
    expect(server.asked.length).toBeGreaterThanOrEqual(probes - 2 + 24);
    await expect(measure({}, { cache: "warm" })).rejects.toThrow(/not warm/);
  });
});

describe("the check", () => {
  test("finds answers that are other ones when their request is alone", async () => {
    let running = 0;
    let most = 0;
    const script = (steady: boolean): ScriptOptions => ({
      parts: () => {
        most = Math.max(most, ++running);
        return steady || running === 1 ? ["a", "b"] : ["a", "x"];
      },
      hold: async () => {
        await new Promise((resolve) => setTimeout(resolve, 5));
        running--;
      },
    });
    const { report } = await measure(script(false), { check: 4 });
    expect(most).toBeGreaterThan(1);
    expect(report.check!.compared).toBe(4);
    expect(report.check!.differences.length).toBeGreaterThan(0);
    expect(report.check!.differences[0]).toMatchObject({ underLoad: "ax", alone: "ab" });
    expect(report.violations).toEqual([expect.stringMatching(/differ from those given alone/)]);
    const steady = await measure(script(true), { check: 4 });
    expect(steady.report.check).toEqual({ compared: 4, differences: [] });
  });
});

test.each<[Changes, RegExp]>([
  [{ requests: undefined as never }, /^requests: expected it or duration/],
  [{ requests: 0 }, /^requests: expected a whole number from 1, received 0/],
  [{ pace: { kind: "closed", clients: 1.5 } }, /^clients: expected a whole number from 1/],
  [{ pace: { kind: "open", rate: 0, burstiness: 1, maxOpen: 9 } }, /^rate: expected a number above 0/],
  [{ slo: { ttft: -1 } }, /^ttft: expected a number above 0/],
  [{ timeout: Number.NaN }, /^timeout: expected a number above 0/],
  [{ workload: { turns: { low: 3, high: 2 } } }, /^turns: expected whole numbers from 1, .* 3 to 2/],
  [{ unruly: { ...defaultLoadSettings.unruly, cancel: -0.1 } }, /^cancel: expected a share/],
  [{ greedy: false, check: 3 }, /^check: expected greedy/],
  [{ endpoint: "chat", workload: { vocabSize: 60 } }, /^ids: expected the endpoint completions/],
  [{ workload: { mix: [{ name: "file", share: 1 }] } }, /^file: expected a file/],
  [{ unruly: { cancel: 0.7, malformed: 0.4, oversized: 0, oversizedBytes: 99 } }, /add up to 1/],
  [{ cache: "cold", salt: "none" }, /^salt: expected a salt in a cold run/],
])("settings %j are refused before anything is sent", async (changes, message) => {
  const error = await measureServer({ url: "http://127.0.0.1:1/v1", settings: settings(changes) }).catch(
    (error) => error,
  );
  expect(error).toBeInstanceOf(RangeError);
  expect(error.message).toMatch(message);
});

test("a server that is not there, and a URL that is none, are named", async () => {
  const to = (url: string) => measureServer({ url, settings: settings() });
  await expect(to("http://127.0.0.1:1/v1")).rejects.toThrow(/^http:\/\/127.0.0.1:1\/v1: no server answers/);
  await expect(to("ftp://here")).rejects.toThrow(/^url: expected/);
});
