import { definePolicy } from "../definition.ts";
import { lengths, sumOfDirections } from "../vectors.ts";

/**
 * KeyDiff (Park et al. 2025, arXiv 2504.15364): keys that point the same way as most others are redundant, those that
 * differ draw the attention. Keeps the keys of lowest cosine with the mean direction of all keys of the head. Needs no
 * attention; a model whose keys mostly agree is where it pays.
 *
 * Differs from the paper: sinks and recent tokens are safe (there, nothing is); a prompt is evicted from at its end
 * unless `prefill: "chunk"` says after each chunk, which is the paper's block-wise way; while decoding a page is
 * evicted at a time. As in NVIDIA's kvpress, keys are taken as cached, after rotary embedding.
 */
export const keydiff = definePolicy({
  name: "keydiff",
  signals: ["keys"],
  defaults: { budget: 0.5 },
  score: ({ keys, resident }) => {
    const norms = lengths(keys, resident);
    const anchor = sumOfDirections(keys, norms);
    const scale = Math.hypot(...anchor) || 1;
    const scores = new Float32Array(resident);
    for (let slot = 0; slot < resident; slot++) {
      let dot = 0;
      for (let c = 0; c < anchor.length; c++) dot += anchor[c]! * keys[slot * anchor.length + c]!;
      scores[slot] = -dot / (scale * (norms[slot] || 1)); // 0 of a key without direction
    }
    return scores;
  },
});
