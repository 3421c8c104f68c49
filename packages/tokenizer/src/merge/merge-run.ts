/** Which neighbouring symbols may be joined. Symbols are indices `0 .. count - 1`, in the order of the text. */
export interface MergeRule {
  /** The cost of joining two neighbours, or Infinity for never. The smallest cost is joined first. */
  cost(left: number, right: number): number;
  /** Symbol `left` now covers `right` as well. */
  join(left: number, right: number): void;
}

const GONE = -2;

/**
 * Joins neighbouring symbols, cheapest first and leftmost among equals, until no pair may be joined: byte-pair
 * encoding with any rule. A linked list and a binary heap, so `count` symbols take O(count log count) steps, and
 * `advance` stops in between so that one long word does not hold up everything else.
 */
export class MergeRun {
  readonly #rule: MergeRule;
  readonly #next: Int32Array;
  readonly #previous: Int32Array;
  /** How often a symbol has grown: an entry of the heap is stale once either of its symbols has. */
  readonly #age: Int32Array;
  #unqueued = 0;

  // The heap, as parallel arrays that grow together: cost, left symbol, right symbol, their ages when queued.
  #size = 0;
  #costs: Float64Array;
  #lefts: Int32Array;
  #rights: Int32Array;
  #ages: Int32Array;

  constructor(count: number, rule: MergeRule) {
    this.#rule = rule;
    this.#next = new Int32Array(count);
    this.#previous = new Int32Array(count);
    this.#age = new Int32Array(count);
    for (let i = 0; i < count; i++) {
      this.#next[i] = i + 1 < count ? i + 1 : -1;
      this.#previous[i] = i - 1;
    }
    this.#costs = new Float64Array(count);
    this.#lefts = new Int32Array(count);
    this.#rights = new Int32Array(count);
    this.#ages = new Int32Array(count);
  }

  /** Does up to `steps` steps. True when nothing is left to join. */
  advance(steps: number): boolean {
    let left = steps;
    for (; this.#unqueued < this.#next.length - 1; this.#unqueued++) {
      if (left-- <= 0) return false;
      this.#offer(this.#unqueued, this.#unqueued + 1);
    }
    while (this.#size > 0) {
      if (left-- <= 0) return false;
      this.#joinCheapest();
    }
    return true;
  }

  /** The symbols that remain, in order: each is the leftmost of those it covers. */
  *symbols(): Generator<number> {
    for (let i = this.#next.length > 0 ? 0 : -1; i >= 0; i = this.#next[i]!) yield i;
  }

  #joinCheapest(): void {
    const left = this.#lefts[0]!;
    const right = this.#rights[0]!;
    const ages = this.#ages[0]!;
    this.#removeFirst();
    if (this.#next[left] !== right || this.#age[left]! + this.#age[right]! !== ages) return;
    this.#rule.join(left, right);
    this.#age[left]! += 1;
    const after = this.#next[right]!;
    this.#next[right] = GONE;
    this.#next[left] = after;
    if (after >= 0) {
      this.#previous[after] = left;
      this.#offer(left, after);
    }
    const before = this.#previous[left]!;
    if (before >= 0) this.#offer(before, left);
  }

  #offer(left: number, right: number): void {
    const cost = this.#rule.cost(left, right);
    if (cost === Number.POSITIVE_INFINITY) return;
    if (this.#size === this.#costs.length) this.#grow();
    let at = this.#size++;
    for (; at > 0; at = (at - 1) >> 1) {
      const parent = (at - 1) >> 1;
      if (!this.#isBefore(cost, left, parent)) break;
      this.#copy(parent, at);
    }
    this.#costs[at] = cost;
    this.#lefts[at] = left;
    this.#rights[at] = right;
    this.#ages[at] = this.#age[left]! + this.#age[right]!;
  }

  /** Moves the last entry to the top and down to its place. */
  #removeFirst(): void {
    const last = --this.#size;
    const cost = this.#costs[last]!;
    const left = this.#lefts[last]!;
    let at = 0;
    for (let child = 1; child < last; child = 2 * at + 1) {
      if (child + 1 < last && this.#isBefore(this.#costs[child + 1]!, this.#lefts[child + 1]!, child))
        child++;
      if (this.#isBefore(cost, left, child)) break;
      this.#copy(child, at);
      at = child;
    }
    this.#copy(last, at);
  }

  #isBefore(cost: number, left: number, entry: number): boolean {
    const other = this.#costs[entry]!;
    return cost < other || (cost === other && left < this.#lefts[entry]!);
  }

  #copy(from: number, to: number): void {
    this.#costs[to] = this.#costs[from]!;
    this.#lefts[to] = this.#lefts[from]!;
    this.#rights[to] = this.#rights[from]!;
    this.#ages[to] = this.#ages[from]!;
  }

  #grow(): void {
    const capacity = 2 * this.#size + 1;
    const grown = (array: Int32Array) => {
      const longer = new Int32Array(capacity);
      longer.set(array);
      return longer;
    };
    const costs = new Float64Array(capacity);
    costs.set(this.#costs);
    this.#costs = costs;
    this.#lefts = grown(this.#lefts);
    this.#rights = grown(this.#rights);
    this.#ages = grown(this.#ages);
  }
}
