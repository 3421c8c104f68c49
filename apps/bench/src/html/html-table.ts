import { type Child, element, type Markup } from "./markup.ts";

/** A table that scrolls where it is wider than the page. */
export function htmlTable(
  header: readonly Child[],
  rows: readonly (readonly Child[])[],
  classOf: (row: number) => string = () => "row",
): Markup {
  const cells = (name: "th" | "td", row: readonly Child[]) => row.map((cell) => element(name, {}, cell));
  return element(
    "div",
    { class: "scroll" },
    element(
      "table",
      {},
      element("thead", {}, element("tr", {}, cells("th", header))),
      element(
        "tbody",
        {},
        rows.map((row, i) => element("tr", { class: classOf(i) }, cells("td", row))),
      ),
    ),
  );
}
