import { definePolicy } from "../definition.ts";

/**
 * A random sample of the tokens: the baseline that every other policy has to beat at the same budget and with the same
 * guards. Each head draws its own sample. The score is a hash of the token's position, so a token that was kept once
 * has the same score the next time; the lowest are the first to go while a text grows.
 */
export const random = definePolicy({
  name: "random",
  signals: ["position"],
  defaults: { budget: 0.5 },
  parameters: {
    seed: { type: "integer", default: 1, minimum: 0, maximum: 65535, description: "which sample" },
  },
  score: ({ position, layer, heads, head, options: { seed } }) => {
    const sample = hash(hash(seed) ^ (layer * heads + head));
    return position.map((token) => hash(sample ^ token) >>> 8); // 24 bits: what a float32 holds
  },
});

/** The 32-bit finaliser of MurmurHash3 (Appleby 2011, public domain) after one odd step, so that 0 is not 0. */
function hash(value: number): number {
  let mixed = (value + 0x9e3779b9) | 0;
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return mixed ^ (mixed >>> 16);
}
