/** A token that is cut out of the text before anything else is done with it. */
export interface AddedToken {
  id: number;
  text: string;
  /** Only cut out where special tokens are read from the text. */
  special: boolean;
  /** Takes the white space after it as well. */
  takesSpaceAfter: boolean;
}

/** A part of a text: an added token, or plain text. */
export type TextPart = { id: number } | { text: string };

/** Cuts added tokens out of texts: the longest spelling first, anywhere in the text, then the next longest. */
export class AddedTokens {
  readonly #tokens: readonly AddedToken[];

  constructor(tokens: readonly AddedToken[]) {
    this.#tokens = tokens.filter((token) => token.text !== "").sort((a, b) => b.text.length - a.text.length);
  }

  /** The parts of `text` in order, without empty ones. */
  split(text: string, parseSpecial: boolean): TextPart[] {
    const parts: TextPart[] = [];
    this.#splitFrom(0, text, parseSpecial, parts);
    return parts;
  }

  #splitFrom(first: number, text: string, parseSpecial: boolean, parts: TextPart[]): void {
    if (text === "") return;
    for (let i = first; i < this.#tokens.length; i++) {
      const token = this.#tokens[i]!;
      if ((token.special && !parseSpecial) || !text.includes(token.text)) continue;
      for (const part of cut(text, token)) {
        if ("id" in part) parts.push(part);
        else this.#splitFrom(i + 1, part.text, parseSpecial, parts);
      }
      return;
    }
    parts.push({ text });
  }
}

function cut(text: string, token: AddedToken): TextPart[] {
  const parts: TextPart[] = [];
  let end = 0;
  for (let at = text.indexOf(token.text); at >= 0; at = text.indexOf(token.text, end)) {
    if (at > end) parts.push({ text: text.slice(end, at) });
    parts.push({ id: token.id });
    end = at + token.text.length;
    if (token.takesSpaceAfter) end = text.length - text.slice(end).trimStart().length;
  }
  if (end < text.length) parts.push({ text: text.slice(end) });
  return parts;
}
