import type { SequencePages } from "@kvasir/paged-memory";
import type { PreemptionWay } from "./engine-event.ts";
import type { PageStore, PageTicket } from "./tiers/page-store.ts";

/** Where copies of pages may go, and what is thought of the way there until it was measured, in bytes a millisecond. */
export type ParkingPlace = {
  readonly way: Exclude<PreemptionWay, "recompute">;
  readonly store: PageStore;
  readonly speed: number;
};

/** A preempted sequence's pages on their way out, outside, or on their way back. */
export class Parked {
  readonly way: ParkingPlace["way"];
  /** Slots of each head, and tokens seen; no slot was evicted where `isIntact`. */
  readonly resident: Int32Array;
  readonly seen: number;
  readonly isIntact: boolean;
  /** How many pages they were. */
  readonly pages: number;
  /** The pages' contents, once they are back. */
  bytes: Uint8Array | undefined;
  /** They could not be kept: the tokens are to be computed again. */
  isLost = false;
  readonly #place: ParkingPlace;
  #ticket: PageTicket | undefined;
  #isFetching = false;
  #isFreed = false;

  constructor(place: ParkingPlace, pages: SequencePages) {
    this.#place = place;
    this.way = place.way;
    this.resident = new Int32Array(pages.heads);
    pages.residentInto(this.resident, 0);
    this.seen = pages.seen;
    this.isIntact = pages.intactTokens === pages.seen;
    this.pages = pages.pageCount;
  }

  /** Takes what was read of the pages to its place. Never rejects. */
  async keep(bytes: Uint8Array, read: Promise<void>): Promise<void> {
    try {
      await read;
      this.#ticket = this.#isFreed ? undefined : await this.#place.store.put(bytes);
      this.isLost = this.#ticket === undefined;
      if (this.#isFreed) this.free();
    } catch {
      this.isLost = true;
    }
  }

  /** Whether contents are outside and may be fetched. */
  get isKept(): boolean {
    return this.#ticket !== undefined && !this.#isFetching;
  }

  /** Brings the contents back. Never rejects. */
  async fetch(): Promise<void> {
    this.#isFetching = true;
    try {
      this.bytes = await this.#place.store.take(this.#ticket!);
    } catch {
      this.isLost = true;
    }
  }

  /** Nobody wants them any more. */
  free(): void {
    this.#isFreed = true;
    if (this.#ticket && !this.#isFetching) this.#place.store.free(this.#ticket);
  }
}
