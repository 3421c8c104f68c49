import type { Tokenizer } from "@kvasir/tokenizer";
import type { TokenLogprob } from "./generation.ts";

/** The tokenizer's view of a sampled token, for `logprobs`. */
export function tokenLogprob(
  tokenizer: Tokenizer | undefined,
  id: number,
  logprob: number,
  top: { readonly ids: Int32Array; readonly logprobs: Float32Array },
): TokenLogprob {
  const known = (token: number) => (tokenizer && token < tokenizer.vocabSize ? tokenizer : undefined);
  const bytes = (token: number) => known(token)?.tokenBytes(token) ?? new Uint8Array(0);
  return {
    id,
    bytes: bytes(id),
    special: known(id)?.isSpecial(id) ?? false,
    logprob,
    top: Array.from(top.ids, (token, i) => ({ id: token, bytes: bytes(token), logprob: top.logprobs[i]! })),
  };
}
