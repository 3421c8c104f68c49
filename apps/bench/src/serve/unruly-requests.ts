import type { UnrulyShares } from "./load-settings.ts";
import { RandomSource } from "./random-source.ts";

/** How a request is to behave. */
export type Behaviour =
  | { readonly kind: "plain" }
  /** Closed after so many milliseconds, or at an event of so many with text, whichever comes first. */
  | { readonly kind: "cancel"; readonly afterMs: number; readonly afterChunks: number }
  | { readonly kind: "malformed"; readonly body: string }
  | { readonly kind: "oversized"; readonly bytes: number };

const longest = 500;

/** Bodies that a server has to refuse, with 4xx and nothing worse. */
export const malformedBodies: readonly string[] = [
  "",
  "{",
  "[]",
  '"prompt"',
  "{}",
  '{"prompt": 7, "messages": 7}',
  '{"prompt": "a", "max_tokens": -1}',
  '{"prompt": "a", "max_tokens": "many"}',
  '{"prompt": "a", "max_tokens": 1.5}',
  '{"prompt": "a", "temperature": -1}',
  '{"prompt": "a", "temperature": 1e308}',
  '{"prompt": "a", "top_p": 7}',
  '{"prompt": "a", "stream": "perhaps"}',
  '{"prompt": [-1], "messages": [[]]}',
  '{"prompt": [1e300], "messages": [{"role": 1}]}',
  `{"prompt": ${"[".repeat(500)}${"]".repeat(500)}}`,
];

/** Draws how a session's request behaves: the same for the same seed, session and turn. */
export function behaviourOf(
  shares: UnrulyShares,
  seed: number,
  session: number,
  turn: number,
  outputTokens: number,
): Behaviour {
  const random = new RandomSource(seed, "behaviour", session, turn);
  const drawn = random.unit();
  if (drawn < shares.cancel) {
    // A quarter goes by time alone, so that requests are also left while they wait or their prompt is read.
    const early = random.unit() < 0.25;
    const point = random.unit();
    return {
      kind: "cancel",
      afterMs: early ? point * longest : Number.POSITIVE_INFINITY,
      afterChunks: early ? Number.POSITIVE_INFINITY : 1 + Math.floor(point * outputTokens),
    };
  }
  if (drawn < shares.cancel + shares.malformed)
    return { kind: "malformed", body: random.pick(malformedBodies) };
  if (drawn < shares.cancel + shares.malformed + shares.oversized)
    return { kind: "oversized", bytes: shares.oversizedBytes };
  return { kind: "plain" };
}

/** A body of so many bytes, of which most are one prompt. */
export function oversizedBody(bytes: number): Buffer {
  const [head, tail] = ['{"max_tokens": 1, "prompt": "', '"}'];
  const body = Buffer.alloc(bytes, "word ");
  body.write(head, 0);
  body.write(tail, bytes - tail.length);
  return body;
}
