import type { Allocation, Policy } from "@kvasir/kv-policies";
import type { SequencePages } from "@kvasir/paged-memory";
import type { AttentionCollection, QueryWindow, Sampling, StepResult } from "@kvasir/runtime";
import type { ChunkQueue } from "./chunk-queue.ts";
import type { Schedulable } from "./schedule.ts";
import { TokenList } from "./token-list.ts";

export type SequenceOptions = {
  readonly policy: Policy;
  readonly prompt: Int32Array;
  /** Prompt and new tokens at most. */
  readonly maxLength: number;
  /** Its results depend on where its prompt is cut. */
  readonly wholeChunks: boolean;
};

/** One request on its way: its tokens, its pages, its policy; what its tokens are and who reads of them is its kind's. */
export abstract class Sequence implements Schedulable {
  readonly policy: Policy;
  readonly promptLength: number;
  /** Prompt and new tokens at most. */
  readonly maxLength: number;
  readonly wholeChunks: boolean;
  readonly tokens: TokenList;
  /** Whether steps are to return its logits. */
  readonly returnLogits: boolean = false;
  abstract readonly kind: "generate" | "score";
  abstract readonly queue: ChunkQueue<unknown>;
  /** Set when the request is admitted. */
  pages: SequencePages | undefined;
  /** Pages that are promised to it. */
  promised = 0;
  /** Its newest queries, as long as its policy goes by them; set when the request is admitted. */
  queries: QueryWindow | undefined;
  /** How its policy divided the budget, where it does; set at the first eviction. */
  allocation: Allocation | undefined;
  /** [kvLayers * kvHeads]: slots that the last eviction of a head left; -1 before that. */
  kept: Int32Array | undefined;
  #left = false;

  constructor({ policy, prompt, maxLength, wholeChunks }: SequenceOptions) {
    this.policy = policy;
    this.promptLength = prompt.length;
    this.maxLength = maxLength;
    this.wholeChunks = wholeChunks;
    this.tokens = new TokenList(prompt);
  }

  /** Tokens that went through the model; their keys and values were written, though some may be evicted by now. */
  get logical(): number {
    return this.pages?.seen ?? 0;
  }

  get pending(): number {
    return this.tokens.length - this.logical;
  }

  /**
   * Where it stands after a step: in its prompt (`chunk-end` where the policy evicts after every chunk), at the
   * end of it, or generating.
   */
  get phase(): "prefill" | "chunk-end" | "prompt-end" | "decode" {
    if (this.logical > this.promptLength) return "decode";
    if (this.logical === this.promptLength) return "prompt-end";
    return this.policy.options.prefill === "chunk" && this.logical > 0 ? "chunk-end" : "prefill";
  }

  get generated(): number {
    return this.tokens.length - this.promptLength;
  }

  /** Slots in use over all KV layers and heads. */
  get residentSlots(): number {
    if (!this.pages) return 0;
    const resident = new Int32Array(this.pages.heads);
    this.pages.residentInto(resident, 0);
    return resident.reduce((sum, slots) => sum + slots, 0);
  }

  /** Nobody reads on: to be dropped before the next step. */
  get left(): boolean {
    return this.#left;
  }

  /** The reader goes; with a reason, what is still read throws it. */
  leave(reason?: unknown): void {
    this.#left = true;
    if (reason !== undefined) this.queue.fail(reason);
  }

  /** First slots that attention is to see directly before the others. */
  get sinks(): number {
    return this.policy.positions === "cache" && this.policy.evicts ? this.policy.sinks : 0;
  }

  /** How attention is added up for its policy in a step whose first row is at `position`. */
  collection(position: number): AttentionCollection | undefined {
    const { collects, evicts } = this.policy;
    if (!collects || !evicts) return undefined;
    // Nobody asks any more.
    if (position >= this.promptLength && !this.policy.signalsIn("decode").includes("attentionSum"))
      return undefined;
    const { reduce, noiseSeed, temperature } = collects;
    const [first, last] = temperature;
    // Generated tokens up to the row's own, of all that there may be.
    const generated = Math.max(0, position + 1 - this.promptLength);
    const share = generated / (this.maxLength - this.promptLength);
    return {
      reduce,
      temperature: first + (last - first) * share,
      ...(noiseSeed !== undefined && { noiseSeed }),
    };
  }

  /** How its next token is to be drawn. */
  abstract sampling(): Sampling;

  /** Takes its token from output `output` of a step, tells the reader, and says whether the answer ends here. */
  abstract accept(result: StepResult, output: number): boolean;
}
