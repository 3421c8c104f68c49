import type { Behaviour } from "../unruly-requests.ts";
import { answerParts, errorCode, type TokenCounts } from "./answer-parts.ts";
import { CompletionStream } from "./completion-stream.ts";
import type { HttpClient } from "./http-client.ts";

/** Larger answers than any text; what goes on is cut off. */
const largestAnswer = 256 * 2 ** 20;

/** A request and its answer. Times are of `performance.now()`, in milliseconds. */
export type Exchange = {
  /** `answered`: 2xx and whole. `cancelled`: by its behaviour. `failed`: `status` and `code` say how. */
  readonly outcome: "answered" | "cancelled" | "failed";
  /** 0 where the connection failed before one came. */
  readonly status: number;
  readonly code?: string;
  readonly retryAfterMs?: number;
  /** When text came: once each event in a stream; empty for a whole answer. */
  readonly times: readonly number[];
  readonly endedAt: number;
  readonly text: string;
  readonly finishReason?: string;
  readonly usage?: TokenCounts;
};

export type ExchangeOptions = {
  readonly path: string;
  readonly body: string | Buffer;
  readonly stream: boolean;
  readonly behaviour: Behaviour;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
};

/** Sends one request and follows its answer to the end. Never rejects, unless `signal` says to stop. */
export async function exchange(client: HttpClient, options: ExchangeOptions): Promise<Exchange> {
  const { path, body, stream, behaviour, timeoutMs, signal } = options;
  const own = new AbortController();
  let why: "cancelled" | "timeout" | "answer-too-large" | undefined;
  const stop = (reason: NonNullable<typeof why>) => {
    why ??= reason;
    own.abort();
  };
  const cancelAt = behaviour.kind === "cancel" ? behaviour : undefined;
  const timers = [setTimeout(stop, timeoutMs, "timeout")];
  if (cancelAt && Number.isFinite(cancelAt.afterMs))
    timers.push(setTimeout(stop, cancelAt.afterMs, "cancelled"));
  const events = new CompletionStream();
  const parts: Uint8Array[] = [];
  let [status, bytes, retryAfterMs] = [0, 0, 0];
  const onAbort = () => own.abort();
  signal.addEventListener("abort", onAbort, { once: true });
  try {
    await client.send({
      path,
      body,
      signal: own.signal,
      onStatus: (code, retryAfter) => {
        status = code;
        retryAfterMs = 1000 * Number(retryAfter ?? 0) || 0;
      },
      onData: (data) => {
        bytes += data.length;
        if (bytes > largestAnswer) stop("answer-too-large");
        if (stream && status < 300) events.feed(data, performance.now());
        else parts.push(data);
        if (cancelAt && events.times.length >= cancelAt.afterChunks) stop("cancelled");
      },
    });
  } catch (error) {
    signal.throwIfAborted();
    const failed = { status, times: events.times, endedAt: performance.now(), text: events.text };
    if (why === "cancelled") return { ...failed, outcome: "cancelled" };
    return { ...failed, outcome: "failed", code: why ?? connectionCode(error) };
  } finally {
    signal.removeEventListener("abort", onAbort);
    for (const timer of timers) clearTimeout(timer);
  }
  const endedAt = performance.now();
  const common = { status, endedAt, ...(retryAfterMs > 0 && { retryAfterMs }) };
  if (stream && status < 300) return { ...common, ...streamed(events) };
  return { ...common, times: [], ...whole(Buffer.concat(parts).toString("utf8"), status) };
}

type Ending = Pick<Exchange, "outcome" | "code" | "text" | "finishReason" | "usage">;

function streamed(events: CompletionStream): Ending & Pick<Exchange, "times"> {
  const { text, times, finishReason, usage, error } = events;
  const read = { text, times, ...(finishReason && { finishReason }), ...(usage && { usage }) };
  if (error !== undefined) return { ...read, outcome: "failed", code: error };
  if (finishReason === undefined) return { ...read, outcome: "failed", code: "no-finish-reason" };
  return { ...read, outcome: "answered" };
}

function whole(body: string, status: number): Ending {
  let json: unknown;
  try {
    json = JSON.parse(body);
  } catch {
    return { outcome: "failed", code: "not-json", text: "" };
  }
  if (status >= 300) return { outcome: "failed", code: errorCode(json), text: "" };
  const { text, finishReason, usage, error } = answerParts(json);
  if (error !== undefined) return { outcome: "failed", code: error, text };
  return { outcome: "answered", text, ...(finishReason && { finishReason }), ...(usage && { usage }) };
}

function connectionCode(error: unknown): string {
  if (error instanceof SyntaxError) return "not-json";
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  return typeof code === "string" ? code : error instanceof Error ? error.name : "unknown";
}
