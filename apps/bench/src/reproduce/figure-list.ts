import { textTable } from "../text-table.ts";
import type { Figure, ReproduceSettings } from "./figure.ts";

/** What can be made again, and about how long each takes on two cores. */
export function figureList(figures: readonly Figure[], settings: ReproduceSettings): string {
  const rows = figures.map((figure) => {
    const parts = figure.parts(settings);
    const minutes = parts.reduce((sum, { seconds }) => sum + seconds, 0) / 60;
    return [figure.name, String(parts.length), minutes.toFixed(1), figure.title];
  });
  return `${textTable(["figure", "parts", "minutes", "what"], rows)}\n`;
}
