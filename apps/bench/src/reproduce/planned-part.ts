import type { Figure, Part, ReproduceSettings } from "./figure.ts";

export type PlannedPart = { readonly figure: Figure; readonly part: Part };

/** All parts of figures as they are to be measured: by rank, within it in the figures' order. */
export function planParts(figures: readonly Figure[], settings: ReproduceSettings): readonly PlannedPart[] {
  const planned = figures.flatMap((figure) => {
    const parts = figure.parts(settings);
    const keys = new Set(parts.map(({ key }) => key));
    if (keys.size < parts.length) throw new Error(`${figure.name}: two of its parts have the same key`);
    return parts.map((part) => ({ figure, part }));
  });
  return planned.toSorted((a, b) => a.part.rank - b.part.rank);
}
