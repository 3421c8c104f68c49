import { describe, expect, it } from "vitest";
import { createInterpreter } from "../src/interpreter/interpreter.ts";
import { type CpuLevel, cpuLevels, openDevice } from "../src/open-device.ts";
import { attentionCases } from "./attention.case.ts";
import { badCollectionCases } from "./bad-collection.case.ts";
import { badMemoryCases } from "./bad-memory.case.ts";
import { badProgramCases } from "./bad-program.case.ts";
import { badQuantCases } from "./bad-quant.case.ts";
import { badReadsCases } from "./bad-reads.case.ts";
import { badStepCases } from "./bad-step.case.ts";
import { exactnessCases, sameBitsCases } from "./exactness.case.ts";
import type { Implementation } from "./implementation.ts";
import { inFlightCases } from "./in-flight.case.ts";
import { iterateCases } from "./iterate.case.ts";
import { lastPositionsCases } from "./last-positions.case.ts";
import { logitsWidthCases } from "./logits-width.case.ts";
import { mappedFileCases } from "./mapped-file.case.ts";
import { mergeCases } from "./merge.case.ts";
import { needsNative, noNative } from "./native-availability.ts";
import { opsCases } from "./ops.case.ts";
import { pageBytesCases } from "./page-bytes.case.ts";
import { pageFormatCases } from "./page-format.case.ts";
import { pageMemoryCases } from "./page-memory.case.ts";
import { pagesOnDemandCases } from "./pages-on-demand.case.ts";
import { quantLinearCases, sameQuantBitsCases } from "./quant-linear.case.ts";
import { quantPackCases } from "./quant-pack.case.ts";
import { queryWindowCases, sameSignalBitsCases } from "./query-window.case.ts";
import { samplingCases } from "./sampling.case.ts";
import { samePrefixBitsCases, sharedPrefixCases, sharedPrefixTwinCases } from "./shared-prefix.case.ts";
import { signalsCases } from "./signals.case.ts";
import { sinksCases } from "./sinks.case.ts";
import { turnedKeysCases } from "./turned-keys.case.ts";
import { twinCases } from "./twin.case.ts";
import { wideGroupsCases } from "./wide-groups.case.ts";

const interpreter: Implementation = { name: "interpreter", open: createInterpreter, precision: "double" };

const onThreads = (cpu: CpuLevel, threads: number): Implementation => ({
  name: `cpu ${cpu}, ${threads} ${threads === 1 ? "thread" : "threads"}`,
  open: () => openDevice({ backend: "native", cpu, threads }),
  precision: "single",
});
// How work is shared out does not depend on the level, so one thread alone is for the best of them.
const native = cpuLevels().flatMap((cpu, i, levels) =>
  (i === levels.length - 1 ? [1, 2] : [2]).map((threads) => onThreads(cpu, threads)),
);

for (const implementation of [interpreter, ...native]) {
  opsCases(implementation);
  attentionCases(implementation);
  sinksCases(implementation);
  sharedPrefixCases(implementation);
  exactnessCases(implementation);
  iterateCases(implementation);
  pageFormatCases(implementation);
  pageMemoryCases(implementation);
  pageBytesCases(implementation);
  inFlightCases(implementation);
  samplingCases(implementation);
  mappedFileCases(implementation);
  badProgramCases(implementation);
  badStepCases(implementation);
  badMemoryCases(implementation);
}

for (const implementation of [interpreter, ...native]) {
  quantPackCases(implementation);
  quantLinearCases(implementation);
  badQuantCases(implementation);
  turnedKeysCases(implementation);
  signalsCases(implementation);
  lastPositionsCases(implementation);
  logitsWidthCases(implementation);
  queryWindowCases(implementation);
  wideGroupsCases(implementation);
  mergeCases(implementation);
  badCollectionCases(implementation);
  badReadsCases(implementation);
}

for (const implementation of [interpreter, ...native]) pagesOnDemandCases(implementation);

twinCases(native, interpreter);
sharedPrefixTwinCases(native, interpreter);

for (const cpu of cpuLevels()) {
  const [one, two, five] = [1, 2, 5].map((threads) => onThreads(cpu, threads));
  sameBitsCases([one!, two!, five!]);
  sameQuantBitsCases(one!, two!);
  sameSignalBitsCases([one!, two!, five!]);
  samePrefixBitsCases([one!, two!, five!]);
}

describe.skipIf(noNative)(needsNative("native kernels"), () => {
  it("offer a level to each of these suites", () => expect(native.length).toBeGreaterThanOrEqual(2));
});
