/** A part of a text: what stands between markers, or a marker. */
export type TextPart = { readonly text: string } | { readonly marker: string };

/** Cuts a text that comes in pieces at its markers. What may become a marker is held back until it is one or is not. */
export class MarkerSplitter {
  readonly #markers: readonly string[];
  #held = "";

  constructor(markers: readonly string[]) {
    this.#markers = markers;
  }

  push(text: string): TextPart[] {
    const parts: TextPart[] = [];
    let plain = "";
    for (let at = 0; at < text.length; at += 1) {
      this.#held += text[at];
      while (this.#held !== "" && !this.#markers.some((marker) => marker.startsWith(this.#held))) {
        plain += this.#held[0];
        this.#held = this.#held.slice(1);
      }
      if (!this.#markers.includes(this.#held)) continue;
      if (plain !== "") parts.push({ text: plain });
      parts.push({ marker: this.#held });
      plain = "";
      this.#held = "";
    }
    if (plain !== "") parts.push({ text: plain });
    return parts;
  }

  /** What was held back: text, as it became no marker. */
  end(): TextPart[] {
    const rest = this.#held;
    this.#held = "";
    return rest === "" ? [] : [{ text: rest }];
  }
}
