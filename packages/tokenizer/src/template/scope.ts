import { TemplateLimitError } from "../errors.ts";
import type { Meter } from "./meter.ts";
import type { Value } from "./values.ts";

/** Names and their values in one part of a template; names that it lacks are those of the part around it. */
export class Scope {
  readonly #values = new Map<string, Value>();
  readonly #parent: Scope | undefined;

  constructor(parent?: Scope) {
    this.#parent = parent;
  }

  get(name: string): Value | undefined {
    for (let scope: Scope | undefined = this; scope !== undefined; scope = scope.#parent) {
      const value = scope.#values.get(name);
      if (value !== undefined) return value;
    }
    return undefined;
  }

  set(name: string, value: Value): void {
    this.#values.set(name, value);
  }
}

/** Text under construction, paid for as it grows. */
export class Output {
  readonly #meter: Meter;
  text = "";

  constructor(meter: Meter) {
    this.#meter = meter;
  }

  write(text: string): void {
    const { textLength } = this.#meter.limits;
    if (this.text.length + text.length > textLength) throw new TemplateLimitError("textLength", textLength);
    this.#meter.read(text);
    this.text += text;
  }
}
