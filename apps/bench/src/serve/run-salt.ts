import { RandomSource } from "./random-source.ts";
import type { Body, Content } from "./workloads/workload.ts";

/**
 * Keeps the prompts of a run from what a server has cached before it: in the field `cache_salt`, or as the first
 * words or ids of each prompt. Requests of one scope get the same salt, others do not.
 */
export class RunSalt {
  readonly kind: "cache_salt" | "text" | "none";
  readonly nonce: string;
  readonly #vocabSize: number | undefined;

  constructor(kind: RunSalt["kind"], nonce: string, vocabSize?: number) {
    this.kind = kind;
    this.nonce = nonce;
    this.#vocabSize = vocabSize;
  }

  fields(scope: string): Body {
    return this.kind === "cache_salt" ? { cache_salt: `${this.nonce} ${scope}` } : {};
  }

  /** The content, with the salt in front where it goes into the text. */
  said(content: Content, scope: string): Content {
    if (this.kind !== "text") return content;
    switch (content.kind) {
      case "ids":
        return { kind: "ids", ids: this.#inIds(content.ids, scope) };
      case "turns": {
        const [first, ...rest] = content.turns;
        return {
          kind: "turns",
          turns: first ? [{ ...first, content: `${this.#word(scope)} ${first.content}` }, ...rest] : [],
        };
      }
      case "body":
        return { kind: "body", body: this.#inBody(content.body, scope) };
    }
  }

  #word(scope: string): string {
    return new RandomSource(this.nonce, scope).whole({ low: 1e9, high: 2e9 }).toString(36);
  }

  /** The first two ids become others, so that the length stays. */
  #inIds(ids: readonly number[], scope: string): readonly number[] {
    const random = new RandomSource(this.nonce, scope);
    const highest = (this.#vocabSize ?? Math.max(...ids) + 1) - 1;
    const lowest = Math.min(300, highest >> 1);
    return ids.map((id, i) => (i < 2 ? random.whole({ low: lowest, high: highest }) : id));
  }

  #inBody(body: Body, scope: string): Body {
    const { prompt, messages } = body;
    if (typeof prompt === "string") return { ...body, prompt: `${this.#word(scope)} ${prompt}` };
    if (isIds(prompt)) return { ...body, prompt: this.#inIds(prompt, scope) };
    if (Array.isArray(messages) && typeof messages[0]?.content === "string") {
      const [first, ...rest] = messages;
      return { ...body, messages: [{ ...first, content: `${this.#word(scope)} ${first.content}` }, ...rest] };
    }
    throw new RangeError(
      "salt: expected a prompt of text or ids, or messages that begin with text, received a body with neither; choose cache_salt or none",
    );
  }
}

const isIds = (value: unknown): value is readonly number[] =>
  Array.isArray(value) && value.length > 0 && value.every((id) => Number.isInteger(id));
