import { checkIntegrity, type PageOwner, PagePool, RadixPrefixTree } from "@kvasir/paged-memory";
import type { PageBytes } from "../../src/session/page-bytes.ts";
import type { SavedPrefix } from "../../src/session/plan-entries.ts";
import { namespaceText } from "../../src/session/prefix-namespace.ts";
import type { SavedFormat } from "../../src/session/saved-format.ts";
import { StagedPages } from "../../src/session/staged-pages.ts";
import { alice, format } from "./small-format.ts";

/** A prefix cache over pages that are plain bytes, with a pool of its own. */
export class SmallCache {
  readonly format: SavedFormat;
  readonly pool: PagePool;
  readonly tree: RadixPrefixTree;
  readonly bytes: Uint8Array;
  #next = 1;

  constructor({ pages = 64, ...changes }: Partial<SavedFormat> & { pages?: number } = {}) {
    this.format = { ...format, ...changes };
    const { pageTokens, kvLayers, kvHeads, pageBytes } = this.format;
    this.pool = new PagePool({ pages });
    this.tree = new RadixPrefixTree({ pool: this.pool, pageTokens, blockPages: kvLayers * kvHeads });
    this.bytes = new Uint8Array(pages * pageBytes);
  }

  get blockPages(): number {
    return this.format.kvLayers * this.format.kvHeads;
  }

  readonly memory: PageBytes = {
    readPages: async (pages, out) => {
      pages.forEach((page, i) => {
        out.set(this.page(page), i * this.format.pageBytes);
      });
    },
    writePages: async (pages, bytes) => {
      const { pageBytes } = this.format;
      pages.forEach((page, i) => {
        this.page(page).set(bytes.subarray(i * pageBytes, (i + 1) * pageBytes));
      });
    },
  };

  page(page: number): Uint8Array {
    const { pageBytes } = this.format;
    return this.bytes.subarray(page * pageBytes, (page + 1) * pageBytes);
  }

  /** Caches the whole blocks of `tokens`, with bytes that no other page has. */
  add(tokens: readonly number[], namespace = namespaceText(alice)): void {
    const { pageTokens } = this.format;
    const whole = tokens.slice(0, tokens.length - (tokens.length % pageTokens));
    const blocks = Array.from({ length: whole.length / pageTokens }, () =>
      this.pool.allocate(this.blockPages),
    );
    for (const page of blocks.flatMap((block) => [...block])) {
      this.page(page).forEach((_, i, all) => {
        all[i] = (this.#next * 31 + i * 7) % 251;
      });
      this.#next += 1;
    }
    this.tree.insert(namespace, whole, blocks);
    for (const page of blocks.flatMap((block) => [...block])) this.pool.release(page);
  }

  /** What the tree holds of `tokens`. */
  prefix(tokens: readonly number[], namespace = namespaceText(alice)): SavedPrefix {
    const match = this.tree.match(namespace, tokens);
    return {
      namespace,
      commonTokens: 0,
      tokens: Int32Array.from(tokens).subarray(0, match.tokens),
      blocks: match.blocks,
    };
  }

  /** How much of `tokens` is cached, and the bytes of its pages. */
  content(tokens: readonly number[], namespace = namespaceText(alice)): [number, number[][]] {
    const { blocks, tokens: found } = this.prefix(tokens, namespace);
    return [found.length, blocks.map((block) => [...block].flatMap((page) => [...this.page(page)]))];
  }

  staging(): StagedPages {
    return new StagedPages(this);
  }

  /** Counts all pages, of which none may be anybody's but the tree's and the given owners'. */
  census(sequences: Iterable<PageOwner> = []) {
    return checkIntegrity({ pool: this.pool, sequences, trees: [this.tree] });
  }
}
