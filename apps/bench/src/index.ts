export { benchProgram } from "./bench-program.ts";
export {
  type ThroughputOptions,
  type ThroughputReport,
  type ThroughputRow,
  throughput,
} from "./throughput.ts";
export { type Verification, type VerifyOptions, verify } from "./verify.ts";
