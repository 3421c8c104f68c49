const blank = /[\t\n\r ]/;

/** Follows one JSON value character by character, to its end; whether it is sound is the reader's matter. */
export class JsonValue {
  #depth = 0;
  #inString = false;
  #escaped = false;
  #begun = false;
  #done = false;
  #text = "";

  /** All that was taken. */
  get text(): string {
    return this.#text;
  }

  get done(): boolean {
    return this.#done;
  }

  /** False: the value ended before this character, which is the reader's. */
  take(char: string): boolean {
    if (this.#done || !this.#step(char)) {
      this.#done = true;
      return false;
    }
    this.#text += char;
    return true;
  }

  #step(char: string): boolean {
    if (this.#inString) {
      if (this.#escaped) this.#escaped = false;
      else if (char === "\\") this.#escaped = true;
      else if (char === '"') this.#leaveString();
      return true;
    }
    const top = this.#depth === 0;
    if (top && this.#begun && /[\t\n\r ,}\]:"[{]/.test(char)) return false;
    this.#begun = true;
    if (char === '"') this.#inString = true;
    else if (char === "{" || char === "[") this.#depth += 1;
    else if (char === "}" || char === "]") this.#leaveContainer();
    return true;
  }

  #leaveString(): void {
    this.#inString = false;
    if (this.#depth === 0) this.#done = true;
  }

  #leaveContainer(): void {
    this.#depth -= 1;
    if (this.#depth <= 0) this.#done = true;
  }
}

export function isBlank(char: string): boolean {
  return blank.test(char);
}

/** A value's text as a string, where it is one. */
export function stringOf(json: string): string | undefined {
  try {
    const value: unknown = JSON.parse(json);
    return typeof value === "string" ? value : undefined;
  } catch {
    return undefined;
  }
}
