import type { Figure } from "./figure.ts";
import { lckvConvergence } from "./lckv-convergence/lckv-convergence.ts";
import { lckvQuality } from "./lckv-quality/lckv-quality.ts";
import { lckvStreaming } from "./lckv-streaming/lckv-streaming.ts";

/** All figures, in the order in which parts of one rank are measured and sections follow each other. */
export const figures: readonly Figure[] = [lckvConvergence, lckvStreaming, lckvQuality];
