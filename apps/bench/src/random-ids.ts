/** Random token ids of a seed, clear of the control and byte tokens that vocabularies begin with. */
export function randomIds(count: number, vocab: number, seed: number): Int32Array {
  const lowest = Math.min(300, vocab >> 1);
  let state = (Math.imul(seed + 1, 2_654_435_761) ^ 0x9e3779b9) >>> 0 || 1;
  return Int32Array.from({ length: count }, () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state = (state ^ (state << 5)) >>> 0;
    return lowest + (state % (vocab - lowest));
  });
}
