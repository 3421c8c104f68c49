import { exchange } from "./client/exchange.ts";
import type { HttpClient } from "./client/http-client.ts";
import type { CheckedRequest } from "./load/check-sample.ts";
import type { CheckResult, Difference } from "./report/load-report.ts";
import type { RunSalt } from "./run-salt.ts";

/**
 * Sends greedy requests again, one at a time, and compares the texts. Where the salt is a field, it is a new one,
 * so that what ran among others, and on shared or preempted pages, is compared with what runs alone and cold.
 * Throws where a request fails that did not under load.
 */
export async function checkAnswers(
  client: HttpClient,
  requests: readonly CheckedRequest[],
  {
    salt,
    timeoutMs,
    signal,
  }: { readonly salt: RunSalt; readonly timeoutMs: number; readonly signal: AbortSignal },
  onDone: (done: number) => void,
): Promise<CheckResult> {
  const differences: Difference[] = [];
  for (const [i, { formed, text, finishReason, whole }] of requests.entries()) {
    const body = { ...formed.body, ...salt.fields(`alone ${i}`) };
    const alone = await exchange(client, {
      path: formed.path,
      stream: formed.stream,
      body: JSON.stringify(body),
      behaviour: { kind: "plain" },
      timeoutMs,
      signal,
    });
    if (alone.outcome !== "answered")
      throw new Error(`check: a request that ran under load fails alone: ${alone.status} ${alone.code}`);
    const same = whole
      ? alone.text === text && alone.finishReason === finishReason
      : alone.text.startsWith(text);
    if (!same) differences.push({ body, underLoad: text, alone: alone.text });
    onDone(i + 1);
  }
  return { compared: requests.length, differences };
}
