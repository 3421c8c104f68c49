import type { Allocation, Policy } from "@kvasir/kv-policies";
import type { SequencePages } from "@kvasir/paged-memory";
import type { AttentionCollection, QueryWindow, Sampling, StepResult } from "@kvasir/runtime";
import type { ChunkQueue } from "./chunk-queue.ts";
import type { Awaited } from "./format-mask.ts";
import type { CacheReport } from "./generation.ts";
import type { PageBounds } from "./page-bounds.ts";
import type { Parked } from "./parked.ts";
import type { Schedulable } from "./schedule.ts";
import type { Sharing } from "./sharing.ts";
import { TokenList } from "./token-list.ts";

export type SequenceOptions = {
  readonly policy: Policy;
  readonly prompt: Int32Array;
  /** Prompt and new tokens at most. */
  readonly maxLength: number;
  /** Its results depend on where its prompt is cut. */
  readonly wholeChunks: boolean;
  /** The largest chunk of its prompt in a step. */
  readonly chunkTokens: number;
  /** What follows its prompt is computed token by token, also when it is computed again. */
  readonly replays: boolean;
  readonly sharing: Sharing;
  readonly order: Order;
};

/** Who it is, and when it is its turn. */
export type Order = {
  /** For events and logs. */
  readonly id: string;
  /** The conversation's name. */
  readonly session: string | undefined;
  /** Lower goes first. */
  readonly priority: number;
  readonly retention: { readonly priority: number; readonly ttlSeconds: number } | undefined;
};

/** One request on its way: its tokens, its pages, its policy; what its tokens are and who reads of them is its kind's. */
export abstract class Sequence implements Schedulable {
  readonly policy: Policy;
  readonly promptLength: number;
  /** Prompt and new tokens at most. */
  readonly maxLength: number;
  readonly wholeChunks: boolean;
  readonly replays: boolean;
  readonly sharing: Sharing;
  readonly id: string;
  readonly session: string | undefined;
  readonly priority: number;
  readonly tokens: TokenList;
  /** Whether steps are to return its logits. */
  readonly returnLogits: boolean = false;
  abstract readonly kind: "generate" | "score" | "embed";
  abstract readonly queue: ChunkQueue<unknown>;
  /** Set when the request is admitted. */
  pages: SequencePages | undefined;
  /** Set when the request is submitted. */
  bounds: PageBounds | undefined;
  /** Its place among all requests; set when it is submitted. */
  arrival = 0;
  /** When it was submitted, and when it was first admitted, in milliseconds of a monotonic clock. */
  submitted = 0;
  admitted: number | undefined;
  /** What came of its prompt from the cache when it was first admitted. */
  cache: CacheReport | undefined;
  /** Leading blocks of it that it has left to the cache. */
  storedBlocks = 0;
  /** Leading tokens of it that went through the model at least once. */
  computed = 0;
  /** Called when what it awaited is there, or it ended without. */
  onReady: (() => void) | undefined;
  /** What was in its pages, while it waits to go on. */
  parked: Parked | undefined;
  /** How often it had to give its pages to others. */
  preemptions = 0;
  /** Its newest queries, as long as its policy goes by them; set when the request is admitted. */
  queries: QueryWindow | undefined;
  /** How its policy divided the budget, where it does; set at the first eviction. */
  allocation: Allocation | undefined;
  /** [kvLayers * kvHeads]: slots that the last eviction of a head left; -1 before that. */
  kept: Int32Array | undefined;
  readonly #chunkTokens: number;
  readonly #retention: Order["retention"];
  #left = false;

  constructor(options: SequenceOptions) {
    const { policy, prompt, maxLength, wholeChunks, replays, sharing, order } = options;
    this.policy = policy;
    this.promptLength = prompt.length;
    this.maxLength = maxLength;
    this.wholeChunks = wholeChunks;
    this.replays = replays;
    this.sharing = sharing;
    this.id = order.id;
    this.session = order.session;
    this.priority = order.priority;
    this.tokens = new TokenList(prompt);
    this.#chunkTokens = options.chunkTokens;
    this.#retention = order.retention;
  }

  /** Tokens that went through the model; their keys and values were written, though some may be evicted by now. */
  get logical(): number {
    return this.pages?.seen ?? 0;
  }

  /** Tokens that are not in the cache yet; at least 1 between two steps. */
  get pending(): number {
    return this.tokens.length - this.logical;
  }

  get decodes(): boolean {
    return this.pending === 1 || (this.replays && this.logical >= this.promptLength);
  }

  get chunk(): number {
    const { logical, promptLength } = this;
    const end = this.replays && logical < promptLength ? promptLength : this.tokens.length;
    return Math.min(end - logical, this.#chunkTokens);
  }

  /** How long what it leaves to the cache is to stay, by the clock of `Date.now`. */
  keep(): { readonly priority: number; readonly until: number } | undefined {
    const wish = this.#retention;
    return wish && { priority: wish.priority, until: Date.now() + 1000 * wish.ttlSeconds };
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

  /** Drops what was settled about its pages, which are gone: it begins again with the tokens that it has. */
  forget(): void {
    this.allocation = undefined;
    this.kept = undefined;
    this.storedBlocks = 0;
    this.parked?.free();
    this.parked = undefined;
  }

  /** Whether something is asked for of its prompt's own tokens: then each of its rows has an output. */
  get wantsPrompt(): boolean {
    return false;
  }

  /** How prompt token `position + 1` is to be judged, where `wantsPrompt`. */
  promptSampling(_position: number): Sampling {
    throw new Error("the prompt is not asked for");
  }

  /** Takes what output `output` says of prompt token `position + 1`, where `wantsPrompt`. */
  acceptPrompt(_result: StepResult, _output: number, _position: number): void {}

  /** What has to be there before its next token can be drawn, where that is not there yet. */
  get awaited(): Awaited | undefined {
    return undefined;
  }

  /** How its next token is to be drawn. */
  abstract sampling(): Sampling;

  /** Takes its token from output `output` of a step, tells the reader, and says whether the answer ends here. */
  abstract accept(result: StepResult, output: number): boolean;
}
