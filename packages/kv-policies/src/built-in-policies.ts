import type { PolicyDefinition } from "./definition.ts";
import { cascadingKv } from "./policies/cascading-kv.ts";
import { corm } from "./policies/corm.ts";
import { duoAttention } from "./policies/duo-attention.ts";
import { expectedAttention } from "./policies/expected-attention.ts";
import { fastgen } from "./policies/fastgen.ts";
import { full } from "./policies/full.ts";
import { h2o } from "./policies/h2o.ts";
import { keydiff } from "./policies/keydiff.ts";
import { keyformer } from "./policies/keyformer.ts";
import { l2Norm } from "./policies/l2-norm.ts";
import { lagkv } from "./policies/lagkv.ts";
import { pyramidInfer } from "./policies/pyramid-infer.ts";
import { pyramidkv } from "./policies/pyramidkv.ts";
import { random } from "./policies/random.ts";
import { scissorhands } from "./policies/scissorhands.ts";
import { snapkv } from "./policies/snapkv.ts";
import { streamingLlm } from "./policies/streaming-llm.ts";
import { tova } from "./policies/tova.ts";
import { window } from "./policies/window.ts";

/** The policies that can be asked for by name. */
export const builtInPolicies: readonly PolicyDefinition[] = [
  full,
  random,
  window,
  streamingLlm,
  l2Norm,
  keydiff,
  lagkv,
  cascadingKv,
  duoAttention,
  h2o,
  keyformer,
  scissorhands,
  tova,
  corm,
  snapkv,
  pyramidkv,
  pyramidInfer,
  expectedAttention,
  fastgen,
];
