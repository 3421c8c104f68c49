import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Allocation, AllocationFaults, type Failing } from "./allocation-faults.ts";
import { chat, completions } from "./app-client.ts";
import { FaultyServer } from "./faulty-server.ts";

const folder = mkdtempSync(join(tmpdir(), "kvasir-faults-"));
const faults = AllocationFaults.prepare(folder);
const ids = (length: number, step: number) => Array.from({ length }, (_, i) => 5 + ((i * step) % 400));
const greedy = { temperature: 0, ignore_eos: true, cache_prompt: false };
const messages = [{ role: "user", content: "Weather?" }];
const schema = {
  type: "object",
  properties: { ok: { type: "boolean" } },
  required: ["ok"],
  additionalProperties: false,
};

const plain = { ...greedy, prompt: ids(40, 7), max_tokens: 4 };
const drawn = { prompt: ids(20, 3), max_tokens: 4, seed: 7, cache_prompt: false };
const evicting = (policy: string) => ({
  ...greedy,
  prompt: ids(90, 13),
  max_tokens: 4,
  kv_cache: { policy, budget: 48, recent: 8 },
});

/** What is asked for at once. Together these reach every function of the addon that serves requests. */
const requests: readonly { what: string; path: string; bodies: readonly object[] }[] = [
  { what: "an answer", path: completions, bodies: [plain] },
  {
    what: "a drawn answer with log-probabilities, penalties and a bias",
    path: completions,
    bodies: [{ ...drawn, logprobs: 3, top_p: 0.9, presence_penalty: 0.5, logit_bias: { 50: 2, 60: -100 } }],
  },
  {
    what: "an object by a schema",
    path: chat,
    bodies: [
      {
        messages,
        seed: 1,
        max_tokens: 20,
        cache_prompt: false,
        response_format: { type: "json_schema", json_schema: { name: "it", schema } },
      },
    ],
  },
  { what: "a vector", path: "/v1/embeddings", bodies: [{ input: ids(40, 11) }] },
  ...["l2-norm", "snapkv", "expected-attention", "merge+h2o"].map((policy) => ({
    what: `an answer under ${policy}`,
    path: completions,
    bodies: [evicting(policy)],
  })),
  // A step that fails is run again for each alone.
  {
    what: "answers side by side",
    path: completions,
    bodies: [plain, evicting("h2o")].map((body) => ({ ...body, max_tokens: 2 })),
  },
];

/**
 * Which allocations to fail so that each path to one that is not among those `tried` is failed: the first and the last
 * time that it is taken. With KVASIR_FAULTS=all, every one.
 */
function chosen(log: readonly Allocation[], tried: Set<string>): (Allocation & Failing)[] {
  const all = new Map<string, (Allocation & Failing)[]>();
  for (const one of log) {
    const same = all.get(one.path) ?? [];
    all.set(one.path, [...same, { ...one, at: same.length + 1 }]);
  }
  if (process.env.KVASIR_FAULTS === "all") return [...all.values()].flat();
  const fresh = [...all].filter(([path]) => !tried.has(path));
  return fresh.flatMap(([, same]) => (same.length > 1 ? [same[0]!, same.at(-1)!] : same));
}

// Of kvasir.node alone: what V8 does where it gets no memory is not ours to choose.
describe.skipIf(typeof faults === "string")(
  typeof faults === "string" ? `allocations that fail (${faults})` : "allocations that fail",
  { timeout: 300_000 },
  () => {
    let server: FaultyServer;
    const injected = faults as AllocationFaults;
    /** Call sites that were failed, and those that allocate. */
    const failed = new Set<bigint>();
    const seen = new Set<bigint>();
    const paths = new Set<string>();
    const tally = { allocations: 0, trials: 0, errors: 0 };

    beforeAll(async () => {
      server = new FaultyServer({ ...injected.environment, KVASIR_SAVED: join(folder, "saved") });
      await server.start();
    });
    afterAll(async () => {
      await server.stop();
      injected[Symbol.dispose]();
      rmSync(folder, { recursive: true });
    });

    /** Runs something again and again, with one allocation more failing each time; `check` sees what came of it. */
    async function failEach<T>(
      work: () => Promise<T>,
      tried: Set<string>,
      check: (result: T, failing: boolean) => Promise<void>,
    ) {
      injected.arm();
      await check(await work(), false);
      injected.disarm();
      const log = injected.log();
      expect(log.length).toBeGreaterThan(0);
      tally.allocations += log.length;
      for (const { site } of log) seen.add(site);
      for (const one of chosen(log, tried)) {
        injected.arm(one);
        const result = await work();
        if (injected.disarm()) {
          failed.add(one.site);
          tried.add(one.path);
        }
        tally.trials += 1;
        await check(result, true);
        expect((await server.do("state")).done).toEqual({
          running: 0,
          waiting: 0,
          usedPages: 0,
          owned: 0,
          warnings: [],
        });
      }
    }

    const answerOf = ({ status, text }: { status: number; text: string }) => {
      const { choices, data } = JSON.parse(text) as { choices?: unknown; data?: unknown };
      return { status, answer: choices ?? data };
    };

    test.each(requests)("in $what fail it at the most, and the next is as ever", async ({ path, bodies }) => {
      const ask = () => Promise.all(bodies.map((body) => server.post(path, body)));
      await ask(); // what is kept from one request to the next is there
      const expected = (await ask()).map(answerOf);
      expect(expected.map(({ status }) => status)).toEqual(bodies.map(() => 200));
      // What side by side fails differently is not what it allocates but who goes on.
      const tried = bodies.length > 1 ? new Set<string>() : paths;
      await failEach(ask, tried, async (results) => {
        for (const [i, result] of results.entries()) {
          if (result.status === 200) {
            expect(answerOf(result)).toEqual(expected[i]);
            continue;
          }
          const { error } = JSON.parse(result.text) as { error: { code: string } };
          expect(["500 internal_error", "429 overloaded"]).toContain(`${result.status} ${error.code}`);
          tally.errors += 1;
        }
        expect((await ask()).map(answerOf)).toEqual(expected);
      });
    });

    test.each(["load", "cache"] as const)(
      "in work of another kind (%s) fail it at the most",
      async (work) => {
        const expected = answerOf(await server.post(completions, plain));
        await failEach(
          () => server.do(work),
          paths,
          async (result, failing) => {
            if (!failing) expect(result).toEqual({ done: null });
            if (result.done === undefined) tally.errors += 1;
            if (result.done === undefined) expect(result.code, result.stack).toEqual(expect.any(String));
            expect(answerOf(await server.post(completions, plain))).toEqual(expected);
          },
        );
      },
    );

    test("were each failed, wherever kvasir.node allocates", () => {
      // It would be empty if the calls of kvasir.node were not recognised.
      expect(seen.size).toBeGreaterThan(50);
      expect([...seen].filter((site) => !failed.has(site)).map((site) => site.toString(16))).toEqual([]);
      expect(tally.errors).toBeGreaterThan(0);
      if (process.env.KVASIR_FAULTS) console.log({ sites: seen.size, paths: paths.size, ...tally });
    });
  },
);
