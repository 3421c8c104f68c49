import { readFile } from "node:fs/promises";
import path from "node:path";
import type { Timing } from "../generate-together.ts";
import {
  type Llama,
  type LlamaContext,
  type LlamaInput,
  type LlamaModel,
  type LlamaNext,
  type LlamaSequence,
  openLlama,
} from "../llama-api.ts";
import type { LlamaSideOptions, Probe, Side, SideInfo, Work } from "./side.ts";

const greedy: LlamaNext = { token: true, options: { temperature: 0 } };

/**
 * node-llama-cpp on the processor. The call that it returns loads: the model, and a context. Its library, which a
 * process has once for all models, is there before: trying it takes 0.4 s.
 */
export async function openSide(options: LlamaSideOptions): Promise<() => Promise<Side>> {
  const llama = await openLlama(options.module, options.threads);
  const version = await versionOf(options.module);
  return async () => {
    const model = await llama.loadModel({ modelPath: options.model });
    const side = new LlamaSide(llama, model, options, version);
    await side.context(1, options.cacheTokens);
    return side;
  };
}

class LlamaSide implements Side {
  readonly #llama: Llama;
  readonly #model: LlamaModel;
  readonly #options: LlamaSideOptions;
  readonly #version: string;
  #open: { context: LlamaContext; sequences: readonly LlamaSequence[]; tokens: number } | undefined;

  constructor(llama: Llama, model: LlamaModel, options: LlamaSideOptions, version: string) {
    this.#llama = llama;
    this.#model = model;
    this.#options = options;
    this.#version = version;
  }

  get info(): SideInfo {
    const { context } = this.#open!;
    const { flash } = this.#options;
    const levels = [...this.#llama.systemInfo.matchAll(/(\w+) = 1/g)].map(([, name]) => name);
    return {
      name: "node-llama-cpp",
      version: this.#version,
      settings: `${levels.join(" ")}, f16 cache, flash attention ${flash === "default" ? `${context.flashAttention} (its default)` : flash}, batches of ${context.batchSize}`,
    };
  }

  /** Sequences of one context, empty; the context before is kept where it serves. */
  async context(sequences: number, tokens: number): Promise<readonly LlamaSequence[]> {
    const { threads, flash, chunk } = this.#options;
    if (this.#open && (this.#open.sequences.length !== sequences || this.#open.tokens < tokens)) {
      await this.#open.context.dispose();
      this.#open = undefined;
    }
    if (!this.#open) {
      const context = await this.#model.createContext({
        threads: { ideal: threads, min: threads },
        sequences,
        contextSize: tokens,
        ...(chunk !== undefined && { batchSize: chunk }),
        ...(flash !== "default" && { flashAttention: flash === "on" }),
      });
      this.#open = {
        context,
        tokens,
        sequences: Array.from({ length: sequences }, () => context.getSequence()),
      };
    }
    for (const sequence of this.#open.sequences) await sequence.clearHistory();
    return this.#open.sequences;
  }

  /**
   * All sequences take each step together: left to themselves, its sequences fall out of step, and it computes
   * 15 and then 1 of 16.
   */
  async generate({ prompts, generate, room }: Work): Promise<Timing> {
    const sequences = await this.context(prompts.length, room);
    const step = (inputs: readonly (readonly number[])[]) =>
      Promise.all(inputs.map((ids, i) => nextToken(sequences[i]!, ids)));
    const start = performance.now();
    let next = await step(prompts.map((prompt) => [...prompt]));
    const first = performance.now();
    for (let n = 1; n < generate; n++) next = await step(next.map((id) => [id]));
    const restTokens = prompts.length * (generate - 1);
    return { firstMs: first - start, restMs: performance.now() - first, restTokens };
  }

  async logits({ prompt, rows, after }: Probe): Promise<Float32Array[]> {
    const [sequence] = await this.context(1, prompt.length + after.length + 1);
    const next: LlamaNext = { ...greedy, logits: true };
    const wanted = new Set(rows);
    const input = Array.from(
      prompt,
      (id, row): LlamaInput => (wanted.has(row) ? [id, { generateNext: next }] : id),
    );
    const outputs = (await sequence!.controlledEvaluate(input)).filter((_, row) => wanted.has(row));
    for (const id of after)
      outputs.push(...(await sequence!.controlledEvaluate([[id, { generateNext: next }]])));
    return outputs.map((output) => byId(output!.next.logits!));
  }

  async dispose(): Promise<void> {
    await this.#llama.dispose();
  }
}

async function nextToken(sequence: LlamaSequence, ids: readonly number[]): Promise<number> {
  const last = ids.length - 1;
  const input = ids.map((id, i): LlamaInput => (i === last ? [id, { generateNext: greedy }] : id));
  const token = (await sequence.controlledEvaluate(input))[last]?.next.token;
  if (typeof token !== "number") throw new Error("expected a token, received none");
  return token;
}

/** Logits come in a map in order of size. */
function byId(logits: ReadonlyMap<number, number>): Float32Array {
  const row = new Float32Array(logits.size).fill(Number.NaN);
  for (const [id, logit] of logits) row[id] = logit;
  return row;
}

/** Logits at the places of each probe. */
export async function sideLogits(options: LlamaSideOptions, probes: readonly Probe[]) {
  const open = await openSide(options);
  const side = (await open()) as LlamaSide;
  const logits: Float32Array[][] = [];
  for (const probe of probes) logits.push(await side.logits(probe));
  const { info } = side;
  await side.dispose();
  return { info, logits };
}

/** The version in the `package.json` that the module belongs to. */
async function versionOf(module: string): Promise<string> {
  const folder = path.join(path.dirname(module), "..");
  const { version } = JSON.parse(await readFile(path.join(folder, "package.json"), "utf8"));
  return String(version);
}
