import { expect, test } from "vitest";
import { defaultLoadSettings } from "../load-settings.ts";
import { measureServer } from "../measure-server.ts";
import { FreeSequences, type PeerSequence } from "./free-sequences.ts";
import { PeerCompletions, type PeerModel } from "./peer-completions.ts";
import { PeerServer } from "./peer-server.ts";

/** A sequence that generates the number of tokens in its cache, and so on. */
class CountingSequence implements PeerSequence {
  contextTokens: number[] = [];
  read = 0;
  open = false;

  get nextTokenIndex(): number {
    return this.contextTokens.length;
  }

  async adaptStateToTokens(tokens: readonly number[]): Promise<void> {
    const different = this.contextTokens.findIndex((token, i) => token !== tokens[i]);
    if (different !== -1) this.contextTokens.length = different;
  }

  async *evaluate(tokens: readonly number[]): AsyncGenerator<number, void> {
    if (this.open || tokens.length === 0) throw new Error("evaluate: expected tokens and an idle sequence");
    this.open = true;
    this.read += tokens.length;
    this.contextTokens.push(...tokens);
    try {
      for (;;) {
        await new Promise((resolve) => setImmediate(resolve));
        const next = this.contextTokens.length;
        yield next;
        this.contextTokens.push(next);
      }
    } finally {
      this.open = false;
    }
  }
}

const model: PeerModel = {
  tokens: { bos: 1, shouldPrependBosToken: true },
  tokenize: (text) => text.split(" ").map((word) => word.charCodeAt(0)),
  detokenize: ([token]) => ` ${token}`,
};

async function serving<T>(
  count: number,
  work: (url: string, sequences: CountingSequence[]) => Promise<T>,
): Promise<T> {
  const sequences = Array.from({ length: count }, () => new CountingSequence());
  const server = new PeerServer(new PeerCompletions(model, new FreeSequences(sequences), 64), "counting");
  try {
    return await work(await server.listen(), sequences);
  } finally {
    server.close();
  }
}

const ask = (url: string, body: unknown) =>
  fetch(`${url}/completions`, {
    method: "POST",
    body: typeof body === "string" ? body : JSON.stringify(body),
  });

test("answers whole and streamed, and reads only what a sequence has not in its cache", () =>
  serving(2, async (url, sequences) => {
    const whole = await (await ask(url, { prompt: "a b c", max_tokens: 3 })).json();
    expect(whole).toEqual({
      choices: [{ index: 0, text: " 4 5 6", finish_reason: "length" }],
      usage: {
        prompt_tokens: 4,
        completion_tokens: 3,
        total_tokens: 7,
        prompt_tokens_details: { cached_tokens: 0 },
      },
    });
    const streamed = await (await ask(url, { prompt: "a b c", max_tokens: 2, stream: true })).text();
    expect(streamed).toContain('"text":" 5"');
    expect(streamed).toContain('"cached_tokens":3');
    expect(streamed.endsWith("data: [DONE]\n\n")).toBe(true);
    expect(sequences.map(({ read }) => read).toSorted()).toEqual([0, 5]);
  }));

test.each([
  ["{", 400],
  [{}, 400],
  [{ prompt: "a", max_tokens: 0 }, 400],
  [{ prompt: "a", temperature: 3 }, 400],
  [{ prompt: [1, -1] }, 400],
  [{ prompt: "a", max_tokens: 64 }, 400],
  ["x".repeat(9 * 2 ** 20), 413],
])("refuses a bad body (%#) and serves on", (body, status) =>
  serving(1, async (url) => {
    expect((await ask(url, body)).status).toBe(status);
    expect((await ask(url, { prompt: "a", max_tokens: 1 })).status).toBe(200);
  }),
);

test("more requests than sequences wait, clients that leave give theirs back, and all are answered", () =>
  serving(3, async (url, sequences) => {
    const report = await measureServer({
      url,
      settings: {
        ...defaultLoadSettings,
        pace: { kind: "closed", clients: 8 },
        requests: 40,
        workload: {
          ...defaultLoadSettings.workload,
          promptTokens: { low: 8, high: 8 },
          outputTokens: { low: 2, high: 20 },
        },
        unruly: { ...defaultLoadSettings.unruly, cancel: 0.3 },
      },
    });
    const { completed, cancelled } = report.requests;
    expect(completed + cancelled).toBe(40);
    expect(report.violations).toEqual([]);
    // A sequence is idle again one step after its client has left.
    while (sequences.some(({ open }) => open)) await new Promise((resolve) => setImmediate(resolve));
  }));
