import type { Figure } from "./figure.ts";

/** All figures, in the order in which parts of one rank are measured and sections follow each other. */
export const figures: readonly Figure[] = [];
