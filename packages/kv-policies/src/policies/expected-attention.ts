import { definePolicy } from "../definition.ts";

/**
 * Expected Attention (Devoto et al. 2025, arXiv 2510.00636): what counts is the attention that a token will receive from
 * queries to come. Those are taken to be distributed as the newest ones were, turned to the next `future` positions;
 * what they are expected to pay, times the norm of the token's value, is how much the token will add to the output.
 * Half of the tokens stay.
 *
 * Differs from the paper and its code (NVIDIA's kvpress): mean and variance are those of the newest `window` queries
 * (there, of all of the prompt but its first 4), and of each query's score with the key, which is the same as the full
 * covariance of queries; `recent` tokens are safe besides the 4 sinks; and it goes on while decoding, a page at a
 * time, heads by turns (there, every so many tokens, if at all).
 */
export const expectedAttention = definePolicy({
  name: "expected-attention",
  signals: ["attentionExpected", "valueNorm"],
  defaults: { budget: 0.5 },
  parameters: {
    window: {
      type: "integer",
      default: 128,
      minimum: 1,
      maximum: 512,
      description: "newest queries to learn from",
    },
    future: {
      type: "integer",
      default: 512,
      minimum: 1,
      maximum: 65536,
      description: "positions of the queries to come",
    },
    epsilon: {
      type: "number",
      default: 0,
      minimum: 0,
      maximum: 1,
      description: "added to the attention, so that large values count without any",
    },
  },
  attention: ({ window, future }) => ({ window, future }),
  score: ({ attentionExpected, valueNorm, options: { epsilon } }) =>
    attentionExpected.map((expected, slot) => (expected + epsilon) * valueNorm[slot]!),
});
