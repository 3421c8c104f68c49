import { type Child, element, Markup } from "./markup.ts";
import { reportStyle } from "./report-style.ts";

/**
 * A report as one HTML document that needs no network and no script.
 * @param classNames of lines that stand out while the pointer is over them in a legend
 */
export function htmlDocument(
  title: string,
  classNames: readonly string[],
  ...body: readonly Child[]
): string {
  const document = element(
    "html",
    { lang: "en" },
    element(
      "head",
      {},
      element("meta", { charset: "utf-8" }),
      element("meta", { name: "viewport", content: "width=device-width, initial-scale=1" }),
      element("title", {}, title),
      element("style", {}, new Markup(reportStyle(classNames))),
    ),
    element("body", {}, element("h1", {}, title), ...body),
  );
  return `<!doctype html>\n${document.text}\n`;
}
