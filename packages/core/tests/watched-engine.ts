import type { SelectQuery } from "@kvasir/kv-policies";
import { vi } from "vitest";
import { checkRequest } from "../src/checked-request.ts";
import { EngineLoop } from "../src/engine-loop.ts";
import type { GenerateSequence } from "../src/generate-sequence.ts";
import type { EngineOptions, GenerateRequest } from "../src/index.ts";
import { type LoadedEngine, loadEngine } from "../src/load-engine.ts";
import { prepareSequence } from "../src/prepare-sequence.ts";

/** What a policy was asked, and the slots that it kept. */
export type Selection = SelectQuery & { readonly kept: Int32Array };

/** What was cut: the slots of a head that were kept when the sequence had seen so many tokens. */
export type Cut = {
  readonly layer: number;
  readonly head: number;
  readonly seen: number;
  readonly kept: Int32Array;
};

/** A request on its way, of which everything can be seen. */
export type WatchedSequence = {
  readonly sequence: GenerateSequence;
  readonly selections: Selection[];
  readonly cuts: Cut[];
};

/** An engine whose parts are in sight. */
export class WatchedEngine implements AsyncDisposable {
  readonly parts: LoadedEngine;
  readonly loop: EngineLoop;

  private constructor(parts: LoadedEngine) {
    this.parts = parts;
    this.loop = new EngineLoop(parts, parts.limits);
  }

  static async load(options: EngineOptions): Promise<WatchedEngine> {
    // Without cached prefixes, the pages in use are those of sequences.
    return new WatchedEngine(await loadEngine({ integrity: "step", prefixCache: false, ...options }));
  }

  /** A request whose policy, its own, is watched. */
  async prepare(request: GenerateRequest): Promise<WatchedSequence> {
    const checked = checkRequest(request, this.parts.info.vocabSize);
    const sequence = await prepareSequence(request, checked, this.parts);
    const { policy } = sequence;
    const selections: Selection[] = [];
    const select = policy.select.bind(policy);
    vi.spyOn(policy, "select").mockImplementation((query) => {
      const kept = select(query);
      selections.push({ ...query, signals: { ...query.signals }, kept });
      return kept;
    });
    return { sequence, selections, cuts: [] };
  }

  /** Runs it, alone, to its end; calls `visit` after each token. */
  async run({ sequence, cuts }: WatchedSequence, visit: () => unknown): Promise<number[]> {
    const ids: number[] = [];
    this.loop.submit(sequence);
    const { pages } = sequence;
    if (pages) {
      const keep = pages.keep.bind(pages);
      vi.spyOn(pages, "keep").mockImplementation((layer, head, kept, rewrite) => {
        cuts.push({ layer, head, seen: pages.seen, kept });
        return keep(layer, head, kept, rewrite);
      });
    }
    for await (const piece of sequence.queue) {
      ids.push(...piece.ids);
      await visit();
    }
    return ids;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.loop.close();
    this.parts.dispose();
  }
}
