import { type Child, element, type Markup } from "./markup.ts";

/** Names, and what is to be said under them. */
export function factList(facts: readonly (readonly [name: string, value: Child])[]): Markup {
  return element(
    "dl",
    {},
    facts.map(([name, value]) => [element("dt", {}, name), element("dd", {}, value)]),
  );
}
