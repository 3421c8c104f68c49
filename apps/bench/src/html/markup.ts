/** A piece of HTML or SVG that is safe to put into another. */
export class Markup {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

export type Child = Markup | string | number | readonly Child[];

const escapes: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

const escaped = (text: string): string => text.replace(/[&<>"']/g, (character) => escapes[character]!);

/** Coordinates need no more than hundredths of a pixel. */
const shortened = (value: number): string => String(Math.round(value * 100) / 100);

function rendered(child: Child): string {
  if (child instanceof Markup) return child.text;
  if (typeof child === "string") return escaped(child);
  return typeof child === "number" ? shortened(child) : child.map(rendered).join("");
}

/** An element; text and attributes are escaped, numbers rounded to hundredths. */
export function element(
  name: string,
  attributes: Readonly<Record<string, string | number>> = {},
  ...children: readonly Child[]
): Markup {
  const written = Object.entries(attributes).map(
    ([key, value]) => ` ${key}="${typeof value === "number" ? shortened(value) : escaped(value)}"`,
  );
  const inside = children.map(rendered).join("");
  const empty = inside === "" && !["script", "style", "div", "span", "td", "th"].includes(name);
  return new Markup(`<${name}${written.join("")}${empty ? "/>" : `>${inside}</${name}>`}`);
}
