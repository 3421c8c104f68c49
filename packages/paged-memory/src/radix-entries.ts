import type { PrefixEntry, PrefixHandle } from "./prefix-tree.ts";
import type { RadixBlock } from "./radix-block.ts";

/** Depth first, so that the path to an entry's blocks is the beginning of the entry before it. */
export function* entriesOf(
  roots: Iterable<RadixBlock>,
  handle: (block: RadixBlock) => PrefixHandle,
): Generator<PrefixEntry> {
  const ahead = latestFirst([...roots].flatMap(({ children }) => children));
  let run: RadixBlock[] = [];
  for (let block = ahead.pop(); block; block = ahead.pop()) {
    run.push(block);
    if (block.children.length > 0) {
      for (const child of latestFirst(block.children)) ahead.push(child);
      continue;
    }
    yield {
      namespace: block.namespace,
      commonTokens: run[0]!.parent!.end,
      tokens: joined(run),
      blocks: run.map(({ pages }) => pages),
      handle: handle(block),
    };
    run = [];
  }
}

function latestFirst(blocks: readonly RadixBlock[]): RadixBlock[] {
  return [...blocks].sort((a, b) => b.lastUse - a.lastUse);
}

function joined(run: readonly RadixBlock[]): Int32Array {
  const tokens = new Int32Array(run.reduce((sum, block) => sum + block.tokens.length, 0));
  let at = 0;
  for (const block of run) {
    tokens.set(block.tokens, at);
    at += block.tokens.length;
  }
  return tokens;
}
