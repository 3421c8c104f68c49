import { answerParts, errorCode } from "./client/answer-parts.ts";
import type { HttpClient } from "./client/http-client.ts";
import type { LoadSettings } from "./load-settings.ts";
import { RandomSource } from "./random-source.ts";
import { RequestForm } from "./request-form.ts";
import { RunSalt } from "./run-salt.ts";
import { promptWords, type WordCount } from "./workloads/prompt-words.ts";
import type { Body, PlannedRequest } from "./workloads/workload.ts";

/** What has to be known of a server before prompts are made for it. */
export type Probed = {
  readonly words: WordCount;
  /** The server counted; otherwise the words are what vocabularies of 32,000 and more make of them. */
  readonly counted: boolean;
  /** It has the field `cache_salt`: it takes it, and refuses a field that nobody has. */
  readonly hasCacheSalt: boolean;
};

const assumed: WordCount = { perWord: 1.1, overhead: 1 };

/** Asks a few short questions of a server, alone. Throws `Error` with the server's own code where it refuses them. */
export async function probeServer(
  client: HttpClient,
  model: string,
  settings: LoadSettings,
  nonce: string,
  signal: AbortSignal,
): Promise<Probed> {
  const form = new RequestForm({ ...settings, stream: false, greedy: true, ignoreEos: false }, model);
  const ask = async (words: number, extra: Body = {}) => {
    const { path, body } = form.write(shortRequest(words, nonce), new RunSalt("none", nonce), 0);
    const { status, text } = await client.post(path, { ...body, ...extra }, signal);
    return { status, json: parsed(text) };
  };
  const countOf = async (words: number) => {
    const { status, json } = await ask(words);
    if (status >= 300)
      throw new Error(`${client.url}: a short request alone is refused with ${status}, ${errorCode(json)}`);
    return answerParts(json).usage?.prompt;
  };
  const [few, many] = [await countOf(16), await countOf(48)];
  const counted = few !== undefined && many !== undefined && many > few;
  const perWord = counted ? (many - few) / 32 : 0;
  const salted = settings.salt === "auto" ? await ask(4, { cache_salt: nonce }) : undefined;
  const unknown = settings.salt === "auto" ? await ask(4, { kvasir_bench_unknown: true }) : undefined;
  return {
    words: counted ? { perWord, overhead: Math.max(0, few - 16 * perWord) } : assumed,
    counted,
    hasCacheSalt:
      salted?.status === 200 && unknown !== undefined && unknown.status >= 400 && unknown.status < 500,
  };
}

function shortRequest(words: number, nonce: string): PlannedRequest {
  const content = promptWords(new RandomSource(nonce, words), words, { perWord: 1, overhead: 0 });
  return {
    content: { kind: "turns", turns: [{ role: "user", content }] },
    outputTokens: 1,
    scope: "probe",
    thinkMs: 0,
  };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
