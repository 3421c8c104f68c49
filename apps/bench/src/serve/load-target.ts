import { randomUUID } from "node:crypto";
import type { CommandProgress } from "../command-progress.ts";
import { checkCacheClaim } from "./cache-claim.ts";
import { checkAnswers } from "./check-answers.ts";
import { HttpClient } from "./client/http-client.ts";
import { LiveFigures } from "./live-figures.ts";
import { CheckSample } from "./load/check-sample.ts";
import { LoadRun } from "./load/load-run.ts";
import { LoadSender } from "./load/load-sender.ts";
import type { RequestRecord } from "./load/request-record.ts";
import type { LoadSettings } from "./load-settings.ts";
import { LoopDelay } from "./loop-delay.ts";
import { type Probed, probeServer } from "./probe-server.ts";
import type { LoadReport } from "./report/load-report.ts";
import { summarise } from "./report/summarise.ts";
import { violationsOf } from "./report/violations.ts";
import { RequestForm } from "./request-form.ts";
import { RunSalt } from "./run-salt.ts";
import { type ServerIdentity, serverIdentity } from "./server-identity.ts";
import { openWorkload } from "./workloads/open-workload.ts";

export type Measured = Omit<LoadReport, "version" | "command" | "conditions" | "server" | "settings">;

type Phase = {
  readonly salt: RunSalt;
  readonly seed: number;
  readonly probed: Probed;
  readonly requests: number;
  readonly durationMs: number;
  readonly sample?: CheckSample;
  readonly signal: AbortSignal;
  readonly onRecord: (record: RequestRecord) => void;
};

/** A server under measurement: what it is, how it counts, and runs against it, one after the other. */
export class LoadTarget implements AsyncDisposable {
  readonly server: ServerIdentity;
  readonly #client: HttpClient;
  readonly #settings: LoadSettings;
  readonly probed: Probed;

  private constructor(client: HttpClient, settings: LoadSettings, server: ServerIdentity, probed: Probed) {
    this.#client = client;
    this.#settings = settings;
    this.server = server;
    this.probed = probed;
  }

  /** Throws where no server answers, or it refuses a short request. */
  static async open(
    url: string,
    apiKey: string | undefined,
    settings: LoadSettings,
    signal: AbortSignal,
  ): Promise<LoadTarget> {
    const client = new HttpClient(url, apiKey);
    try {
      const server = await serverIdentity(client, settings.model, signal);
      const probed = await probeServer(client, server.model, settings, randomUUID(), signal);
      return new LoadTarget(client, settings, server, probed);
    } catch (error) {
      await client[Symbol.asyncDispose]();
      throw error;
    }
  }

  /**
   * Warms up, runs, and checks, with a nonce of its own.
   * @param probed what prompts are made by, where that is not for this server alone
   */
  async measure(
    { seed, probed = this.probed }: { readonly seed: number; readonly probed?: Probed },
    onProgress: (progress: CommandProgress) => void,
    signal: AbortSignal,
  ): Promise<Measured> {
    const settings = this.#settings;
    const { requests = Number.POSITIVE_INFINITY, check, timeout, cache } = settings;
    const durationMs = 1000 * (settings.duration ?? Number.POSITIVE_INFINITY);
    const limits = { requests, durationMs, seed, probed, signal };
    const salt = this.#salt(probed);
    let warmUp = 0;
    const onRecord = () => {
      warmUp++;
      onProgress({ done: 0, total: 1, now: `warming up, ${warmUp} requests` });
    };
    if (cache === "warm") await this.#run({ ...limits, salt, onRecord });
    else if (settings.warmUp > 0)
      // Other prompts, and of another scope: they leave nothing behind that the run could find.
      await this.#run({
        ...limits,
        salt: this.#salt(probed),
        seed: seed + 1e9,
        requests: settings.warmUp,
        onRecord,
      });

    const records: RequestRecord[] = [];
    const live = new LiveFigures();
    const sample = new CheckSample(check, seed);
    using loop = new LoopDelay();
    const start = performance.now();
    const shown = setInterval(() => {
      const shares = [live.finished / requests, (performance.now() - start) / durationMs];
      onProgress({ done: Math.min(1, Math.max(...shares)) * 1000, total: 1000, now: String(live) });
    }, 250);
    const dropped = await this.#run({
      ...limits,
      salt,
      sample,
      onRecord: (record) => {
        records.push(record);
        live.add(record);
      },
    }).finally(() => clearInterval(shown));
    const busy = loop.read();
    checkCacheClaim(cache, records);
    const { sendDelay, ...summary } = summarise(records, { start, dropped, warmUp }, settings);
    const checked =
      check > 0
        ? await checkAnswers(
            this.#client,
            sample.requests,
            { salt: this.#salt(probed), timeoutMs: 1000 * timeout, signal },
            (done) => onProgress({ done, total: sample.requests.length, now: "asking again, one at a time" }),
          )
        : undefined;
    return {
      ...summary,
      cache: { claim: cache, salt: salt.kind, nonce: salt.nonce },
      tokensPerWord: settings.workload.vocabSize === undefined ? probed.words.perWord : 0,
      generator: { ...busy, sendDelay },
      ...(checked && { check: checked }),
      violations: violationsOf(records, checked),
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#client[Symbol.asyncDispose]();
  }

  #salt({ hasCacheSalt }: Probed): RunSalt {
    const { salt, cache, workload } = this.#settings;
    const kind = cache === "warm" ? "none" : salt !== "auto" ? salt : hasCacheSalt ? "cache_salt" : "text";
    return new RunSalt(kind, randomUUID(), workload.vocabSize);
  }

  /** Resolves to the arrivals that were dropped. */
  async #run({ salt, seed, probed, requests, durationMs, sample, signal, onRecord }: Phase): Promise<number> {
    const settings = { ...this.#settings, seed };
    const sender = new LoadSender({
      client: this.#client,
      settings,
      form: new RequestForm(settings, this.server.model),
      salt,
      onRecord,
      signal,
      ...(sample && { sample }),
    });
    const run = new LoadRun({
      workload: await openWorkload(settings.workload, probed.words, seed),
      pace: settings.pace,
      seed,
      requests,
      durationMs,
      send: sender.send,
      signal,
    });
    await run.run();
    return run.dropped;
  }
}
