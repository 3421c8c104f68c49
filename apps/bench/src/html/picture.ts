import { chartStyle } from "./chart-style.ts";
import { type Child, element, Markup } from "./markup.ts";

/** Something drawn, as SVG. */
export type Picture = {
  /** What it shows, for those who do not see it. */
  readonly label: string;
  /** Pixels. */
  readonly width: number;
  readonly height: number;
  /** Where the picture begins in the drawing, downwards; 0 if not given. */
  readonly top?: number;
  /** Whether it may be shown larger than it is. */
  readonly grows: boolean;
  readonly content: Child;
};

/** For a page that has `chartStyle`. */
export function pictureElement({ label, width, height, top = 0, grows, content }: Picture): Markup {
  return element(
    "svg",
    {
      viewBox: `0 ${top} ${width} ${height}`,
      ...(!grows && { style: `max-width:${Math.ceil(width)}px` }),
      role: "img",
      "aria-label": label,
    },
    content,
  );
}

/** A file of its own, on white whatever is around it. */
export function pictureFile({ label, width, height, top = 0, content }: Picture): string {
  const svg = element(
    "svg",
    {
      xmlns: "http://www.w3.org/2000/svg",
      viewBox: `0 ${top} ${width} ${height}`,
      width,
      height,
      role: "img",
      "aria-label": label,
    },
    element("style", {}, new Markup(chartStyle)),
    element("rect", { y: top, width, height, fill: "#ffffff" }),
    content,
  );
  return `${svg.text}\n`;
}
