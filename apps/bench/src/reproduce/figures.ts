import { composition } from "./composition/composition.ts";
import { crossLayer } from "./cross-layer/cross-layer.ts";
import type { Figure } from "./figure.ts";
import { l2Attention } from "./l2-attention/l2-attention.ts";
import { l2Lm } from "./l2-lm/l2-lm.ts";
import { l2Needle } from "./l2-needle/l2-needle.ts";
import { l2Passkey } from "./l2-passkey/l2-passkey.ts";
import { lckvConvergence } from "./lckv-convergence/lckv-convergence.ts";
import { lckvQuality } from "./lckv-quality/lckv-quality.ts";
import { lckvStreaming } from "./lckv-streaming/lckv-streaming.ts";
import { lckvThroughput } from "./lckv-throughput/lckv-throughput.ts";

/** All figures, in the order in which parts of one rank are measured and sections follow each other. */
export const figures: readonly Figure[] = [
  lckvThroughput,
  lckvConvergence,
  lckvStreaming,
  lckvQuality,
  crossLayer,
  l2Attention,
  l2Lm,
  l2Needle,
  l2Passkey,
  composition,
];
