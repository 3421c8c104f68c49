import { type Child, element, type Markup } from "./markup.ts";

/**
 * A table that scrolls where it is wider than the page, numbers to the right.
 * @param isText columns that go to the left; the first one always does
 */
export function htmlTable(
  header: readonly Child[],
  rows: readonly (readonly Child[])[],
  classOf: (row: number) => string = () => "row",
  isText: readonly boolean[] = [],
): Markup {
  const cells = (name: "th" | "td", row: readonly Child[]) =>
    row.map((cell, column) => element(name, isText[column] ? { class: "text" } : {}, cell));
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
