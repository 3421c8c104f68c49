import type { SequencePages } from "@kvasir/paged-memory";
import { messageOf } from "./engine-error.ts";
import type { PreemptionWay } from "./engine-event.ts";
import { Parked, type ParkingPlace } from "./parked.ts";
import type { Sequence } from "./sequence.ts";
import type { PageBytes } from "./session/page-bytes.ts";
import type { StepClock } from "./step-clock.ts";

export type ParkingOptions = {
  readonly memory: PageBytes & { readonly pageBytes: number };
  readonly clock: StepClock;
  readonly places: readonly ParkingPlace[];
  /** Called when contents have come to their place or back. */
  readonly changed: () => void;
};

/**
 * Keeps what is in the pages of preempted sequences where that is cheaper than computing it again: in memory of the host,
 * or in a file. Copies are exact, so an answer is the same either way.
 */
export class Parking {
  readonly #options: ParkingOptions;
  /** Bytes on their way to a place. */
  readonly #leaving = new Map<ParkingPlace, number>();

  constructor(options: ParkingOptions) {
    this.#options = options;
  }

  bytes(way: ParkingPlace["way"]): number {
    return this.#options.places.find((place) => place.way === way)?.store.usedBytes ?? 0;
  }

  /**
   * Begins to copy a sequence's pages, where that is the cheaper way; they may be given back at once, since the device
   * reads them before any later step writes.
   */
  park(sequence: Sequence): PreemptionWay {
    const { memory } = this.#options;
    const pages = sequence.pages!;
    const size = pages.pageCount * memory.pageBytes;
    const place = this.#cheapest(sequence, size);
    if (!place) return "recompute";
    const parked = new Parked(place, pages);
    const bytes = new Uint8Array(size);
    this.#leave(place, size);
    const kept = parked.keep(bytes, memory.readPages(tableOf(pages), bytes));
    void kept.then(() => {
      this.#leave(place, -size);
      this.#options.changed();
    });
    sequence.parked = parked;
    return place.way;
  }

  /** Begins to bring a sequence's pages back. */
  fetch(parked: Parked): void {
    void parked.fetch().then(this.#options.changed);
  }

  /**
   * Writes what was kept to the pages that a sequence has now, whose first `shared` of each head hold it already. A failure
   * is told to `failed`.
   */
  writeBack(sequence: Sequence, shared: number, failed: (reason: string) => void): void {
    const { memory } = this.#options;
    const { bytes, resident } = sequence.parked!;
    const pages = sequence.pages!;
    const ids: number[] = [];
    const parts: Uint8Array[] = [];
    let at = 0;
    for (let index = 0; index < pages.heads; index++) {
      const table = pages.pages(Math.floor(index / pages.kvHeads), index % pages.kvHeads);
      const count = Math.ceil(resident[index]! / pages.pageTokens);
      for (let entry = 0; entry < count; entry++, at += memory.pageBytes) {
        if (entry < shared) continue;
        ids.push(table[entry]!);
        parts.push(bytes!.subarray(at, at + memory.pageBytes));
      }
    }
    const written = shared === 0 ? bytes! : Buffer.concat(parts);
    memory.writePages(Int32Array.from(ids), written).catch((error) => failed(messageOf(error)));
    sequence.parked = undefined;
  }

  async dispose(): Promise<void> {
    await Promise.all(this.#options.places.map(({ store }) => store.dispose()));
  }

  #cheapest(sequence: Sequence, size: number): ParkingPlace | undefined {
    // Its newest token is still to come, or its policy goes by queries that only running sequences keep.
    if (size === 0 || sequence.pending === 0 || sequence.queries) return undefined;
    const { clock, places } = this.#options;
    const { replays, logical, promptLength } = sequence;
    const recomputed = replays ? Math.min(logical, promptLength) : logical;
    const time = clock.time(recomputed, logical - recomputed);
    if (time === undefined) return undefined;
    return places.find(({ store, speed, ...place }) => {
      const leaving = [...this.#leaving].find(([one]) => one.way === place.way)?.[1] ?? 0;
      return store.usedBytes + leaving + size <= store.capacity && (2 * size) / speed < time;
    });
  }

  #leave(place: ParkingPlace, bytes: number): void {
    this.#leaving.set(place, (this.#leaving.get(place) ?? 0) + bytes);
  }
}

/** Page ids of all heads, one after another. */
function tableOf(pages: SequencePages): Int32Array {
  const ids = new Int32Array(pages.pageCount);
  pages.tablesInto(ids, 0, new Int32Array(pages.heads), 0);
  return ids;
}
