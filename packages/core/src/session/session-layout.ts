/**
 * A session file holds cached prefixes: their token ids, and the pages of keys and values as the device lays them out.
 *
 * ```
 * prologue     16 bytes: magic (8), version (u32), bytes of the header (u32)
 * header       JSON: { kind, format, namespaces, entries, blocks }; the last three are counts
 * digest       32 bytes: SHA-256 of prologue and header
 * namespaces   64 bytes each: SHA-256 of the policy, SHA-256 of tenant and salt
 * entries      12 bytes each: namespace, shared, blocks (u32)
 * for each entry in turn:
 *   tokens     `blocks * pageTokens` ids (i32)
 *   pages      `blocks * kvLayers * kvHeads` pages of `pageBytes`, block by block, layer-major
 * ```
 *
 * Integers are little-endian. An entry is a prefix of the cache: the first `shared` blocks of the entry before it, and `blocks`
 * blocks of its own behind them. So what prefixes share is stored once.
 *
 * Namespaces, entries, tokens and pages are sections. A section is cut into pieces of as many whole items as 1 MiB
 * holds, or one. Behind each piece stands the SHA-256 of the digest before it and the piece. So a digest vouches for
 * all bytes before it and their order, a piece is verified before it is used, and memory for one piece is enough.
 * The head (up to the entries) says how long the file is; one byte more or less is damage.
 *
 * The digests find damage, not forgery: whoever can write the file can write what they like into it.
 */
export const magic = Uint8Array.of(0x89, 0x4b, 0x56, 0x53, 0x0d, 0x0a, 0x1a, 0x0a);

export const version = 1;
export const prologueBytes = 16;
export const digestBytes = 32;
export const namespaceBytes = 64;
export const entryBytes = 12;
export const tokenBytes = 4;

/** What a reader takes at most, so that a hostile file costs little; a writer keeps to it, too. */
export const limits = {
  headerBytes: 65_536,
  namespaces: 65_536,
  entries: 262_144,
  /** Of all entries, shared ones counted each time: bounds the work of putting them back. */
  pathTokens: 2 ** 30,
  /** That a pool can have. */
  pages: 2 ** 31 - 1,
} as const;

const pieceBytes = 1_048_576;

/** Items of a section that one piece holds at most. */
export function itemsPerPiece(itemBytes: number): number {
  return Math.max(1, Math.floor(pieceBytes / itemBytes));
}

/** Bytes of a section in the file, digests included. */
export function sectionBytes(items: number, itemBytes: number): number {
  return items * itemBytes + Math.ceil(items / itemsPerPiece(itemBytes)) * digestBytes;
}

/** First and last (exclusive) item of each piece of a section. */
export function* pieces(items: number, itemBytes: number): Generator<readonly [number, number]> {
  const step = itemsPerPiece(itemBytes);
  for (let first = 0; first < items; first += step) yield [first, Math.min(first + step, items)];
}
