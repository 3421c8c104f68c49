/** Numbers from a seed, the same on every machine (mulberry32). */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** A whole number from 0 up to `below`, without it. */
  next(below: number): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)) ^ mixed;
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * below);
  }

  pick<T>(items: readonly T[]): T {
    return items[this.next(items.length)]!;
  }
}

/** A file in its parts: numbers, strings and brackets, each one a piece. */
export type Pieces = readonly Buffer[];

/**
 * A damaged copy of the file that `pieces` make: 1 to 4 times, a piece is overwritten by a hostile one, swapped with
 * another, taken out, doubled, or pieces of `donor` are put in its place; bits are flipped, bytes taken from elsewhere,
 * the end cut off or extended.
 *
 * @param hostile A piece to take the place of another.
 */
export function mutated(
  random: Random,
  pieces: Pieces,
  donor: Pieces,
  hostile: (random: Random, piece: Buffer) => Buffer,
): Buffer {
  const list = [...pieces];
  // Mostly one, so that much of the file stays as it was.
  const damages = 1 + random.next(1 + random.next(4));
  const ofBytes: ((bytes: Buffer) => Buffer)[] = [];
  for (let i = 0; i < damages; i++) {
    const at = random.next(list.length);
    const kind = random.next(12);
    if (kind < 4) list[at] = hostile(random, list[at]!);
    else if (kind < 6) swap(random, list, at);
    else if (kind === 6) list.splice(at, 1);
    else if (kind === 7) list.splice(at, 0, list[at]!);
    else if (kind === 8) {
      const start = random.next(donor.length);
      list.splice(at, random.next(8), ...donor.slice(start, start + 1 + random.next(8)));
    } else ofBytes.push((bytes) => damaged(random, bytes));
    if (list.length === 0) list.push(Buffer.alloc(0));
  }
  return ofBytes.reduce<Buffer>((bytes, damage) => damage(bytes), Buffer.concat(list));
}

/** Swaps a piece with one of the same length, so that what stands after them stays readable. */
function swap(random: Random, list: Buffer[], at: number): void {
  const same = [...list.keys()].filter((other) => list[other]!.length === list[at]!.length);
  const other = random.pick(same);
  [list[at], list[other]] = [list[other]!, list[at]!];
}

function damaged(random: Random, bytes: Buffer): Buffer {
  if (bytes.length === 0) return bytes;
  const at = random.next(bytes.length);
  switch (random.next(4)) {
    case 0:
      bytes[at]! ^= 1 << random.next(8);
      return bytes;
    case 1:
      return bytes.subarray(0, at);
    case 2:
      return Buffer.concat([bytes, bytes.subarray(at)]);
    default:
      bytes.copy(bytes, at, random.next(bytes.length));
      return bytes;
  }
}

/** Counts and offsets that break parsers. */
export const hostileNumbers: readonly bigint[] = [
  ...[
    0n,
    1n,
    2n,
    3n,
    4n,
    5n,
    7n,
    8n,
    9n,
    31n,
    32n,
    33n,
    63n,
    64n,
    65n,
    255n,
    256n,
    4096n,
    65_535n,
    65_536n,
    10n ** 6n,
  ],
  ...[24n, 28n, 31n, 32n, 33n, 52n, 53n, 61n, 62n, 63n].flatMap((power) => [2n ** power - 1n, 2n ** power]),
  ...[1n, 2n, 8n, 32n, 64n].map((below) => 2n ** 64n - below),
];

/** What `run` left on the heap and in buffers, in bytes; too little where the collector ran, never too much. */
export async function memoryOf(run: () => Promise<unknown>): Promise<{ heap: number; buffers: number }> {
  const before = process.memoryUsage();
  await run();
  const after = process.memoryUsage();
  return { heap: after.heapUsed - before.heapUsed, buffers: after.arrayBuffers - before.arrayBuffers };
}
