import type { TokenCounts } from "../client/answer-parts.ts";
import type { Exchange } from "../client/exchange.ts";
import type { Behaviour } from "../unruly-requests.ts";

/** What happened to one request. Times are milliseconds of `performance.now()`. */
export type RequestRecord = {
  readonly session: number;
  readonly turn: number;
  readonly workload: string;
  readonly behaviour: Behaviour["kind"];
  /** `refused` as it should be; `failed` where anything else was expected. */
  readonly outcome: "completed" | "cancelled" | "refused" | "failed";
  readonly status: number;
  readonly code?: string;
  /** When it was due. */
  readonly arrivedAt: number;
  /** When it was sent; later than it was due where this process was late. */
  readonly sentAt: number;
  readonly endedAt: number;
  /** When text came, once an event. */
  readonly times: readonly number[];
  readonly usage?: TokenCounts;
  /** By the server's count, or else events with text. */
  readonly outputTokens: number;
  readonly finishReason?: string;
};

/** What an exchange comes to, by what was expected of it. */
export function outcomeOf(
  behaviour: Behaviour["kind"],
  { outcome, status, code }: Exchange,
): Pick<RequestRecord, "outcome" | "code"> {
  if (behaviour === "malformed" || behaviour === "oversized") {
    if (status >= 400 && status < 500) return { outcome: "refused" };
    const accepted = status >= 200 && status < 300;
    return { outcome: "failed", code: accepted ? `${behaviour}-accepted` : (code ?? "") };
  }
  if (outcome === "answered") return { outcome: "completed" };
  if (outcome === "cancelled") return { outcome: "cancelled" };
  return { outcome: "failed", code: code ?? "" };
}
