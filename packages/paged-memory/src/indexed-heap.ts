/** A binary heap whose items know their place, so that one can be moved or taken out in O(log n). */
export class IndexedHeap<Item> {
  readonly #isBefore: (a: Item, b: Item) => boolean;
  readonly #items: Item[] = [];
  readonly #places = new Map<Item, number>();

  /** `isBefore` may go by what changes, as long as `set` follows each change of an item in the heap. */
  constructor(isBefore: (a: Item, b: Item) => boolean) {
    this.#isBefore = isBefore;
  }

  get size(): number {
    return this.#items.length;
  }

  /** The item that no other is before. */
  first(): Item | undefined {
    return this.#items[0];
  }

  has(item: Item): boolean {
    return this.#places.has(item);
  }

  /** Adds an item, or gives one that is there the place that it should have now. */
  set(item: Item): void {
    const place = this.#places.get(item) ?? this.#items.length;
    this.#put(item, place);
    this.#sift(place);
  }

  delete(item: Item): void {
    const place = this.#places.get(item);
    if (place === undefined) return;
    this.#places.delete(item);
    const last = this.#items.pop()!;
    if (last === item) return;
    this.#put(last, place);
    this.#sift(place);
  }

  /** Whether every item is where it should be. Does not modify the heap. */
  isOrdered(): boolean {
    return this.#items.every(
      (item, place) =>
        this.#places.get(item) === place && !(place > 0 && this.#comesBefore(place, (place - 1) >> 1)),
    );
  }

  #sift(from: number): void {
    let place = from;
    while (place > 0 && this.#comesBefore(place, (place - 1) >> 1))
      place = this.#swap(place, (place - 1) >> 1);
    for (;;) {
      let least = place;
      for (const child of [2 * place + 1, 2 * place + 2])
        if (child < this.#items.length && this.#comesBefore(child, least)) least = child;
      if (least === place) return;
      place = this.#swap(place, least);
    }
  }

  #comesBefore(a: number, b: number): boolean {
    return this.#isBefore(this.#items[a]!, this.#items[b]!);
  }

  /** Returns `b`, where the item of `a` is now. */
  #swap(a: number, b: number): number {
    const item = this.#items[a]!;
    this.#put(this.#items[b]!, a);
    this.#put(item, b);
    return b;
  }

  #put(item: Item, place: number): void {
    this.#items[place] = item;
    this.#places.set(item, place);
  }
}
