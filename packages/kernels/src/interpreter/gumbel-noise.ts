/**
 * Gumbel noise of a slot, by the position stored in it: the same whenever it is asked for (Keyformer; see
 * `AttentionCollection`).
 */
export function gumbelNoise(seed: number, position: number, kvLayer: number, kvHead: number): number {
  const head = Math.imul(kvLayer, 1024) + kvHead;
  const hash = mix((mix((mix(seed) + position) | 0) + head) | 0);
  return -Math.log(-Math.log((hash + 0.5) / 2 ** 32));
}

/** The 32-bit finaliser of MurmurHash3 (Appleby, 2008). */
function mix(word: number): number {
  let h = word;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}
