import type { AddedToken } from "./tokenizer-json.ts";

/** A part of a text: an added token, or plain text (possibly empty). */
export type Section = AddedToken | string;

/** Cuts added tokens out of texts: leftmost first, the longest where several begin at one place. */
export class AddedTokenSplitter {
  readonly #tokens: ReadonlyMap<string, AddedToken>;
  readonly #pattern: RegExp | undefined;

  /** @param spellings What to look for, and the token that it stands for. */
  constructor(spellings: ReadonlyMap<string, AddedToken>) {
    this.#tokens = spellings;
    const longestFirst = [...spellings.keys()]
      .filter((text) => text !== "")
      .sort((a, b) => b.length - a.length);
    const escaped = longestFirst.map((text) => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
    this.#pattern = escaped.length === 0 ? undefined : new RegExp(escaped.join("|"), "g");
  }

  /** The sections of `text`; white space that a token takes is gone from its neighbours. */
  split(text: string): Section[] {
    if (this.#pattern === undefined) return [text];
    const sections: Section[] = [];
    let end = 0;
    for (const match of text.matchAll(this.#pattern)) {
      if (match.index > end) sections.push(text.slice(end, match.index));
      sections.push(this.#tokens.get(match[0])!);
      end = match.index + match[0].length;
    }
    if (end < text.length) sections.push(text.slice(end));
    for (const [i, section] of sections.entries()) {
      if (typeof section === "string") continue;
      const before = sections[i - 1];
      const after = sections[i + 1];
      if (section.lstrip && typeof before === "string") sections[i - 1] = before.trimEnd();
      if (section.rstrip && typeof after === "string") sections[i + 1] = after.trimStart();
    }
    return sections;
  }
}
