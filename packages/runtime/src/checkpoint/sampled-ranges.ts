export type ByteRange = { readonly start: number; readonly end: number };

const edge = 2 ** 20;
const pieces = 64;
const pieceBytes = 4096;

/**
 * What of a file of `size` bytes stands for all of it: its first and last MiB, and between them 64 pieces of 4 KiB,
 * evenly spaced. Of a file that is no longer than these together, everything.
 */
export function sampledRanges(size: number): ByteRange[] {
  if (size <= 2 * edge + pieces * pieceBytes) return [{ start: 0, end: size }];
  const room = size - 2 * edge - pieceBytes;
  const inner = Array.from({ length: pieces }, (_, i) => {
    const start = edge + Math.floor((room * (2 * i + 1)) / (2 * pieces));
    return { start, end: start + pieceBytes };
  });
  return [{ start: 0, end: edge }, ...inner, { start: size - edge, end: size }];
}
