import { expect, it } from "vitest";
import {
  checkIntegrity,
  OutOfPagesError,
  PagePool,
  type PrefixHandle,
  type PrefixRetention,
  RadixPrefixTree,
  SequencePages,
} from "../src/index.ts";
import { FakeMemory } from "./fake-memory.ts";

const pageTokens = 4;
const kvLayers = 2;
const kvHeads = 2;
const heads = kvLayers * kvHeads;

/** A small seeded generator (mulberry32), so that a failure can be repeated. */
function generator(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) % below;
  };
}

/** A sequence with what its pages should hold: a value depends on all tokens up to its own, and on the head. */
interface Running {
  readonly namespace: string;
  readonly pages: SequencePages;
  tokens: number[];
  prefixes: number[];
  /** Expected values, by head. */
  slots: number[][];
}

class World {
  readonly #random: (below: number) => number;
  readonly #pool = new PagePool({ pages: 200 });
  readonly #memory = new FakeMemory(this.#pool, pageTokens);
  readonly #tree = new RadixPrefixTree({ pool: this.#pool, pageTokens, blockPages: heads, lostBlocks: 40 });
  readonly #prefixes = new Map<string, number>();
  #now = 0;
  readonly #locked: PrefixHandle[] = [];
  #running: Running[] = [];
  readonly counts = {
    steps: 0,
    hits: 0,
    partialHits: 0,
    copies: 0,
    outOfPages: 0,
    evictions: 0,
    cacheEvictions: 0,
    left: 0,
    retained: 0,
    lost: 0,
    forgotten: 0,
    resets: 0,
  };

  constructor(seed: number) {
    this.#random = generator(seed);
  }

  step(): void {
    this.counts.steps += 1;
    this.#now += this.#random(3);
    const dice = this.#random(1000);
    const one = this.#running[this.#random(Math.max(1, this.#running.length))];
    if (dice < 200 || !one) this.#admit();
    else if (dice < 450) this.#append(one, this.#tokens(1 + this.#random(6)));
    else if (dice < 590) this.#compact(one);
    else if (dice < 650) this.#fork(one);
    else if (dice < 730) this.#truncate(one);
    else if (dice < 800) this.#insert(one, this.#random(Math.floor(one.pages.intactTokens / pageTokens) + 1));
    else if (dice < 860) this.#leave(one);
    else if (dice < 900) this.#cancel(one);
    else if (dice < 945) this.#evict(this.#random(12));
    else if (dice < 960) this.#lock(one);
    else if (dice < 990) this.#unlock();
    else if (dice < 997) this.counts.forgotten += this.#tree.forget(one.namespace);
    else this.counts.resets += this.#tree.reset();
    this.check();
  }

  check(): void {
    checkIntegrity({
      pool: this.#pool,
      sequences: this.#running.map(({ pages }) => pages),
      trees: [this.#tree],
    });
    for (const { pages, slots, tokens } of this.#running) {
      if (pages.seen !== tokens.length) expect(pages.seen).toBe(tokens.length);
      for (let index = 0; index < heads; index++) {
        const [layer, head] = [Math.floor(index / kvHeads), index % kvHeads];
        const expected = slots[index]!;
        if (pages.resident(layer, head) !== expected.length)
          expect(pages.resident(layer, head)).toBe(expected.length);
        const table = pages.pages(layer, head);
        if (!this.#memory.holds(table, expected))
          expect(this.#memory.read(table, expected.length)).toEqual(expected);
      }
    }
  }

  drain(): number {
    while (this.#running.length > 0) this.#cancel(this.#running[0]!);
    while (this.#locked.length > 0) this.#unlock();
    this.#tree.reset();
    this.check();
    return this.#pool.usedPages;
  }

  #tokens(count: number): number[] {
    return Array.from({ length: count }, () => (this.#random(8) === 0 ? 1 : 0));
  }

  /** One number per (prefix, head). */
  #value(prefix: number, index: number): number {
    return prefix * heads + index;
  }

  /** Numbers the prefixes of a prompt: `prefixes[i]` stands for the namespace and all tokens up to the i-th. */
  #extend(namespace: string, prefixes: readonly number[], tokens: readonly number[]): number[] {
    const extended = [...prefixes];
    for (const token of tokens) {
      const key = `${extended.at(-1) ?? namespace} ${token}`;
      const number = this.#prefixes.get(key) ?? this.#prefixes.size;
      this.#prefixes.set(key, number);
      extended.push(number);
    }
    return extended;
  }

  #admit(): void {
    const prompt = this.#tokens(1 + this.#random(24));
    const namespace = this.#random(4) === 0 ? "b" : "a";
    const hit = this.#tree.match(namespace, prompt.slice(0, -1), this.#retention());
    if (this.#tree.lost(namespace, prompt) > 0) this.counts.lost += 1;
    const blocks = hit.partial ? [...hit.blocks, hit.partial.block] : hit.blocks;
    const shared = hit.tokens + (hit.partial?.tokens ?? 0);
    const pages = new SequencePages({ pool: this.#pool, kvLayers, kvHeads, pageTokens });
    pages.share(blocks, shared);
    const tokens = prompt.slice(0, shared);
    const prefixes = this.#extend(namespace, [], tokens);
    const slots = Array.from({ length: heads }, (_, index) =>
      prefixes.map((prefix) => this.#value(prefix, index)),
    );
    const running = { namespace, pages, tokens, prefixes, slots };
    if (this.#running.length >= 8) this.#cancel(this.#running[0]!);
    this.#running.push(running);
    if (hit.tokens > 0) this.counts.hits += 1;
    if (hit.partial) this.counts.partialHits += 1;
    if (!this.#append(running, prompt.slice(shared))) this.#cancel(running);
  }

  #append(running: Running, added: number[]): boolean {
    const { pages } = running;
    const needed = pages.pagesNeeded(added.length);
    if (!pages.canAppend(added.length)) this.#evict(needed - this.#pool.freePages);
    const free = this.#pool.freePages;
    try {
      const copies = pages.append(added.length);
      expect(free - this.#pool.freePages).toBe(needed);
      this.#memory.copyPages(copies);
      this.counts.copies += copies.from.length;
    } catch (error) {
      if (!(error instanceof OutOfPagesError)) throw error;
      expect([error.needed, error.free]).toEqual([needed, free]);
      this.counts.outOfPages += 1;
      return false;
    }
    pages.commit();
    const start = running.tokens.length;
    running.tokens = [...running.tokens, ...added];
    running.prefixes = this.#extend(running.namespace, running.prefixes, added);
    running.slots.forEach((slots, index) => {
      const table = pages.pages(Math.floor(index / kvHeads), index % kvHeads);
      for (let i = start; i < running.tokens.length; i++) {
        const value = this.#value(running.prefixes[i]!, index);
        this.#memory.write(table, slots.length, value);
        slots.push(value);
      }
    });
    return true;
  }

  #compact(running: Running): void {
    const every = this.#random(2) === 0;
    const dropped = 1 + this.#random(5);
    const isRun = this.#random(2) === 0;
    const rewrite = this.#random(8) === 0;
    for (let index = 0; index < heads; index++) {
      if (!every && this.#random(2) === 0) continue;
      const [layer, head] = [Math.floor(index / kvHeads), index % kvHeads];
      const slots = running.slots[index]!;
      const start = this.#random(slots.length + 1);
      const isKept = (slot: number) =>
        isRun ? slot < start || slot >= start + 4 : this.#random(6) >= dropped;
      const kept = Int32Array.from(slots.keys()).filter(isKept);
      const free = this.#pool.freePages;
      const most = running.pages.pagesNeededToKeep(layer, head, kept.length);
      try {
        this.#memory.compact(running.pages.keep(layer, head, kept, rewrite));
        running.slots[index] = Array.from(kept, (slot) => slots[slot]!);
        this.counts.evictions += 1;
        if (free - this.#pool.freePages > most) expect(free - this.#pool.freePages).toBeLessThanOrEqual(most);
      } catch (error) {
        if (!(error instanceof OutOfPagesError)) throw error;
        expect(most).toBeGreaterThan(free);
        this.counts.outOfPages += 1;
      }
      this.check();
    }
    running.pages.commit();
  }

  #fork(running: Running): void {
    const slots = running.slots.map((head) => [...head]);
    this.#running.push({ ...running, pages: running.pages.fork(), slots });
  }

  #truncate(running: Running): void {
    const { pages, slots, tokens } = running;
    if (this.#random(2) === 0) {
      // A step that failed before its copies were issued.
      if (!pages.canAppend(3)) return;
      const used = this.#pool.usedPages;
      pages.append(3);
      pages.truncate(3);
      expect(this.#pool.usedPages).toBe(used);
      return;
    }
    const shortest = Math.min(tokens.length, ...slots.map((head) => head.length));
    const count = this.#random(shortest + 1);
    pages.truncate(count);
    running.tokens = tokens.slice(0, tokens.length - count);
    running.prefixes = running.prefixes.slice(0, tokens.length - count);
    running.slots = slots.map((head) => head.slice(0, head.length - count));
  }

  #insert({ namespace, pages, tokens }: Running, count: number): PrefixHandle {
    const blocks = pages.intactBlocks().slice(0, count);
    const keep = this.#retention();
    return this.#tree.insert(namespace, tokens.slice(0, count * pageTokens), blocks, keep).handle;
  }

  /** The sequence is over: what is intact stays in the tree, and in it alone unless others share it. */
  #leave(running: Running): void {
    const blocks = running.pages.intactBlocks();
    const { tokens } = this.#insert(running, blocks.length);
    expect(tokens).toBe(blocks.length * pageTokens);
    this.#cancel(running);
    this.counts.left += blocks.length;
  }

  #retention(): PrefixRetention | undefined {
    if (this.#random(4) > 0) return undefined;
    return { priority: this.#random(100), until: this.#now + this.#random(60), now: this.#now };
  }

  #evict(pages: number): void {
    const [evictable, free] = [this.#tree.evictablePages(), this.#pool.freePages];
    const freed = this.#tree.evict(pages, this.#now);
    expect([freed >= Math.min(pages, evictable), this.#pool.freePages]).toEqual([true, free + freed]);
    this.counts.cacheEvictions += freed;
    if (this.#tree.retainedPages > 0) this.counts.retained += 1;
  }

  #cancel(running: Running): void {
    running.pages.dispose();
    this.#running = this.#running.filter((other) => other !== running);
  }

  #lock({ namespace, tokens }: Running): void {
    const { handle } = this.#tree.match(namespace, tokens);
    this.#tree.lock(handle);
    this.#locked.push(handle);
  }

  #unlock(): void {
    const handle = this.#locked.shift();
    if (handle) this.#tree.unlock(handle);
  }
}

it.each([1, 2, 3, 4])(
  "pages, counts and contents stay right through 25,000 random operations, and nothing leaks (%i)",
  (part) => {
    const total: Record<string, number> = {};
    for (let seed = 5 * part; seed < 5 * part + 5; seed++) {
      const world = new World(seed);
      for (let i = 0; i < 5000; i++) world.step();
      expect(world.drain(), `seed ${seed}`).toBe(0);
      for (const [what, count] of Object.entries(world.counts)) total[what] = (total[what] ?? 0) + count;
    }
    // The run means little unless each of these happened often.
    expect(total.steps).toBe(25_000);
    for (const [what, count] of Object.entries(total)) expect(count, what).toBeGreaterThan(100);
  },
);
