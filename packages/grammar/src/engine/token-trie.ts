/** The bytes of all tokens, one after the other; token i has those from `offsets[i]` to `offsets[i + 1]`. */
export interface PackedTokens {
  readonly bytes: Uint8Array;
  readonly offsets: Int32Array;
}

/** Longer tokens are never allowed. */
const LONGEST_TOKEN = 1_024;

/**
 * All tokens as a trie, its nodes in the order of a walk that goes down first, so that a walk is a loop. Tokens
 * without bytes are not in it.
 */
export class TokenTrie {
  readonly tokens: number;
  /** Bytes of the longest token. */
  readonly depth: number;
  readonly nodes: number;
  /** Of each node: its byte, how deep it is (1 or more), the node after its subtree, and where its tokens begin. */
  readonly byte: Uint8Array;
  readonly level: Uint16Array;
  readonly after: Int32Array;
  /** The bytes of the longest token in each node's subtree. */
  readonly deepest: Uint16Array;
  readonly firstToken: Int32Array;
  /** Tokens of node i: from `firstToken[i]` to `firstToken[i + 1]`. */
  readonly ids: Int32Array;
  readonly #packed: PackedTokens;
  readonly #upTo = new Map<number, Uint32Array>();

  constructor(packed: PackedTokens) {
    this.#packed = packed;
    const { bytes, offsets } = packed;
    const count = offsets.length - 1;
    this.tokens = count;
    // As text with a character for each byte, which compares much faster than arrays do.
    const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const texts = Array.from({ length: count }, (_, id) =>
      buffer.toString("latin1", offsets[id]!, offsets[id + 1]!),
    );
    const isUsed = (text: string) => text.length > 0 && text.length <= LONGEST_TOKEN;
    const sorted = Int32Array.from(Array.from(texts.keys()).filter((id) => isUsed(texts[id]!)));
    sorted.sort((a, b) => (texts[a]! < texts[b]! ? -1 : texts[a]! > texts[b]! ? 1 : a - b));
    const most = sorted.reduce((sum, id) => sum + texts[id]!.length, 0);
    const [byte, level, after] = [new Uint8Array(most), new Uint16Array(most), new Int32Array(most)];
    const deepest = new Uint16Array(most);
    const firstToken = new Int32Array(most + 1);
    /** The nodes that lead to the last token. */
    const path: number[] = [];
    let nodes = 0;
    const leave = (node: number): void => {
      after[node] = nodes;
      deepest[node] = Math.max(deepest[node]!, level[node]!);
      const parent = path.at(-1);
      if (parent !== undefined) deepest[parent] = Math.max(deepest[parent]!, deepest[node]!);
    };
    sorted.forEach((id, rank) => {
      const token = texts[id]!;
      const shared = rank === 0 ? 0 : sharedBytes(token, texts[sorted[rank - 1]!]!);
      while (path.length > shared) leave(path.pop()!);
      for (let i = shared; i < token.length; i++) {
        byte[nodes] = token.charCodeAt(i);
        level[nodes] = i + 1;
        firstToken[nodes] = rank;
        path.push(nodes++);
      }
    });
    while (path.length > 0) leave(path.pop()!);
    // A node made on the way to a longer token has the rank of the next one, and so no tokens of its own.
    firstToken[nodes] = sorted.length;
    this.nodes = nodes;
    this.byte = byte.slice(0, nodes);
    this.level = level.slice(0, nodes);
    this.after = after.slice(0, nodes);
    this.deepest = deepest.slice(0, nodes);
    this.firstToken = firstToken.slice(0, nodes + 1);
    this.ids = sorted;
    this.depth = this.level.reduce((a, b) => Math.max(a, b), 0);
  }

  /** The tokens of up to so many bytes, as bits of a mask. */
  upTo(bytes: number): Uint32Array {
    const known = this.#upTo.get(bytes);
    if (known !== undefined) return known;
    const mask = new Uint32Array(Math.ceil(this.tokens / 32));
    const { offsets } = this.#packed;
    for (const id of this.ids) if (offsets[id + 1]! - offsets[id]! <= bytes) mask[id >> 5]! |= 1 << (id & 31);
    this.#upTo.set(bytes, mask);
    return mask;
  }

  bytesOf(id: number): Uint8Array {
    const { bytes, offsets } = this.#packed;
    return bytes.subarray(offsets[id] ?? 0, offsets[id + 1] ?? 0);
  }
}

function sharedBytes(a: string, b: string): number {
  let i = 0;
  while (i < a.length && i < b.length && a.charCodeAt(i) === b.charCodeAt(i)) i++;
  return i;
}
