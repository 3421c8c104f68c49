import { createRequire } from "node:module";
import { Worker } from "node:worker_threads";
import { TokenizerTextError } from "../errors.ts";
import type { JsonObject } from "./checkpoint-files.ts";

const IDLE_MS = 30_000;

// Plain JavaScript, since a worker is started from a string; it does what HuggingFaceModel does in the main thread.
const SOURCE = `
const { parentPort, workerData } = require("node:worker_threads");
const { Tokenizer } = require(workerData.module);
const json = JSON.parse(Buffer.from(workerData.tokenizer).toString("utf8"));
const blank = { normalizer: null, pre_tokenizer: null, post_processor: null, decoder: null };
const { normalizer, pre_tokenizer, model } = new Tokenizer({ ...blank, ...json, added_tokens: json.added_tokens ?? [] }, workerData.config);
parentPort.on("message", ({ job, action, text, section }) => {
  try {
    if (action === "normalize") return parentPort.postMessage({ job, result: normalizer(text) });
    const tokens = model(pre_tokenizer === null ? [text] : pre_tokenizer(text, { section_index: section }));
    const ids = Int32Array.from(tokens, (token) => model.tokens_to_ids.get(token) ?? model.unk_token_id ?? -1);
    parentPort.postMessage({ job, result: ids }, [ids.buffer]);
  } catch (error) {
    parentPort.postMessage({ job, error: String(error) });
  }
});
`;

interface Answer {
  job: number;
  result?: string | Int32Array;
  error?: string;
}

interface Pending {
  resolve(result: string | Int32Array): void;
  reject(error: unknown): void;
}

/**
 * A second copy of the library's tokenizer in a thread of its own, for texts that would hold up the event loop.
 * Starts with the first text and ends after 30 idle seconds; it never keeps the process alive.
 */
export class ModelWorker {
  readonly #tokenizer: Uint8Array;
  readonly #config: JsonObject;
  readonly #pending = new Map<number, Pending>();
  #worker: Worker | undefined;
  #idle: NodeJS.Timeout | undefined;
  #jobs = 0;

  /** @param tokenizer The bytes of `tokenizer.json`. */
  constructor(tokenizer: Uint8Array, config: JsonObject) {
    this.#tokenizer = tokenizer;
    this.#config = config;
  }

  /** The normalizer's output. Only where the tokenizer has one. */
  async normalize(text: string): Promise<string> {
    return (await this.#ask("normalize", text, 0)) as string;
  }

  /** Ids of one section of plain text; -1 for a token that has none. */
  async encode(text: string, section: number): Promise<Int32Array> {
    return (await this.#ask("encode", text, section)) as Int32Array;
  }

  #ask(action: string, text: string, section: number): Promise<string | Int32Array> {
    clearTimeout(this.#idle);
    this.#worker ??= this.#start();
    this.#worker.ref();
    const job = this.#jobs++;
    this.#worker.postMessage({ job, action, text, section });
    return new Promise((resolve, reject) => this.#pending.set(job, { resolve, reject }));
  }

  #start(): Worker {
    const module = createRequire(import.meta.url).resolve("@huggingface/tokenizers");
    const workerData = { module, tokenizer: this.#tokenizer, config: this.#config };
    const worker = new Worker(SOURCE, { eval: true, workerData });
    worker.on("message", (answer: Answer) => this.#settle(answer));
    worker.on("error", (error) => this.#fail(worker, String(error)));
    worker.on("exit", () => this.#fail(worker, "the thread ended"));
    return worker;
  }

  #settle({ job, result, error }: Answer): void {
    const pending = this.#pending.get(job);
    this.#pending.delete(job);
    if (result === undefined) pending?.reject(new TokenizerTextError(`text: cannot be encoded: ${error}`));
    else pending?.resolve(result);
    if (this.#pending.size > 0) return;
    this.#worker?.unref();
    this.#idle = setTimeout(() => this.#stop(), IDLE_MS);
    this.#idle.unref();
  }

  #fail(worker: Worker, reason: string): void {
    if (worker !== this.#worker) return;
    this.#worker = undefined;
    for (const { reject } of this.#pending.values())
      reject(new TokenizerTextError(`text: cannot be encoded: ${reason}`));
    this.#pending.clear();
  }

  #stop(): void {
    const worker = this.#worker;
    this.#worker = undefined;
    void worker?.terminate();
  }
}
