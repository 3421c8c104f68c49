import { exchange } from "../client/exchange.ts";
import type { HttpClient } from "../client/http-client.ts";
import type { LoadSettings } from "../load-settings.ts";
import { RandomSource } from "../random-source.ts";
import type { RequestForm } from "../request-form.ts";
import type { RunSalt } from "../run-salt.ts";
import { type Behaviour, behaviourOf, oversizedBody } from "../unruly-requests.ts";
import type { Body, PlannedRequest } from "../workloads/workload.ts";
import type { CheckSample } from "./check-sample.ts";
import type { Place, Reply } from "./load-run.ts";
import { outcomeOf, type RequestRecord } from "./request-record.ts";

export type LoadSenderOptions = {
  readonly client: HttpClient;
  readonly settings: LoadSettings;
  readonly form: RequestForm;
  readonly salt: RunSalt;
  readonly sample?: CheckSample;
  readonly onRecord: (record: RequestRecord) => void;
  readonly signal: AbortSignal;
};

/** Where a stream may be cancelled whose body does not say how long it gets. */
const assumedTokens = 64;
/** A client whose request failed comes back after so long, if the server names no time. */
const backOffMs = 100;
const longestBackOffMs = 10_000;
const seeds = { low: 0, high: 2 ** 31 - 1 };

/** Sends the requests of a run, each as it is to behave, and records what comes of them. */
export class LoadSender {
  readonly #options: LoadSenderOptions;
  /** One for all, as it is large. */
  #oversized: Buffer | undefined;

  constructor(options: LoadSenderOptions) {
    this.#options = options;
  }

  readonly send = async (planned: PlannedRequest, place: Place): Promise<Reply> => {
    const { client, settings, form, salt, sample, onRecord, signal } = this.#options;
    const { seed, unruly, timeout } = settings;
    const { session, turn } = place;
    const behaviour = behaviourOf(unruly, seed, session, turn, planned.outputTokens ?? assumedTokens);
    const formed = form.write(planned, salt, new RandomSource(seed, "sampling", session, turn).whole(seeds));
    const body = this.#written(behaviour, formed.body);
    const sentAt = performance.now();
    const ended = await exchange(client, {
      path: formed.path,
      stream: formed.stream,
      body,
      behaviour,
      timeoutMs: 1000 * timeout,
      signal,
    });
    const { status, times, endedAt, usage, finishReason, text, retryAfterMs = backOffMs } = ended;
    const { outcome, code } = outcomeOf(behaviour.kind, ended);
    if (outcome === "completed" || outcome === "cancelled")
      sample?.offer({ formed, text, finishReason, whole: outcome === "completed" });
    onRecord({
      ...place,
      behaviour: behaviour.kind,
      outcome,
      status,
      sentAt,
      endedAt,
      times,
      outputTokens: usage?.output ?? times.length,
      ...(code !== undefined && { code }),
      ...(usage && { usage }),
      ...(finishReason !== undefined && { finishReason }),
    });
    return {
      text,
      goesOn: outcome === "completed",
      backOffMs: outcome === "failed" ? Math.min(retryAfterMs, longestBackOffMs) : 0,
    };
  };

  #written(behaviour: Behaviour, body: Body): string | Buffer {
    if (behaviour.kind === "malformed") return behaviour.body;
    if (behaviour.kind !== "oversized") return JSON.stringify(body);
    this.#oversized ??= oversizedBody(behaviour.bytes);
    return this.#oversized;
  }
}
