import type { ChartFrame } from "./chart-frame.ts";
import { drawn } from "./chart-frame.ts";
import { type LineStyle, lineSample } from "./line-style.ts";
import { element, type Markup } from "./markup.ts";
import { textWidth } from "./text-width.ts";

const rowHeight = 18;
const sample = 52;
const gap = 22;

export type LegendEntry = {
  readonly name: string;
  readonly style: LineStyle;
  readonly hollow: boolean;
  readonly joined: boolean;
};

/** The names of lines, beside each other as far as they fit and otherwise below. */
export function chartLegend(entries: readonly LegendEntry[]): NonNullable<ChartFrame["legend"]> {
  const begin = 16;
  let x = begin;
  let row = 0;
  const content: Markup[] = [];
  for (const { name, style, ...shape } of entries) {
    const room = drawn.right - begin - sample;
    const width = Math.min(room, textWidth(name));
    if (x > begin && x + sample + width > drawn.right) {
      x = begin;
      row++;
    }
    const y = 12 + row * rowHeight;
    // A name that no row could hold is set narrower.
    const narrow: Record<string, string | number> =
      textWidth(name) > room ? { textLength: room, lengthAdjust: "spacingAndGlyphs" } : {};
    content.push(
      lineSample(x, y, style, shape),
      element("text", { x: x + sample, y: y + 4, class: "tick", ...narrow }, name),
    );
    x += sample + width + gap;
  }
  return { height: entries.length === 0 ? 0 : (row + 1) * rowHeight + 10, content };
}
