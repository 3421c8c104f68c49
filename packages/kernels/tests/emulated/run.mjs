// Runs the conformance suite, or the tests of it whose names match the pattern given. Names those that fail.
import { startTests } from "@vitest/runner";

const counts = { pass: 0, fail: 0, skip: 0 };

const runner = {
  config: {
    root: import.meta.dirname,
    setupFiles: [],
    testNamePattern: process.argv[2] === undefined ? undefined : new RegExp(process.argv[2]),
    allowOnly: false,
    sequence: { seed: 1, hooks: "stack", setupFiles: "list" },
    maxConcurrency: 1,
    // Emulated code is some twenty times slower.
    testTimeout: 600_000,
    hookTimeout: 600_000,
    retry: 0,
    tags: [],
    strictTags: false,
  },
  importFile: () => import("../device.test.ts"),
  onAfterRunTask: (test) => {
    counts[test.result?.state ?? "skip"]++;
    if (test.result?.state !== "fail") return;
    console.log(`FAILED ${test.fullName ?? test.name}`);
    for (const error of test.result.errors ?? []) console.log(error.stack ?? error.message);
  },
};

const [file] = await startTests([{ filepath: "device.test.ts" }], runner);
for (const error of file.result?.errors ?? []) console.log(error.stack ?? error.message);
console.log(`${counts.pass} passed, ${counts.fail} failed`);
process.exitCode = file.result?.state === "fail" || counts.pass === 0 ? 1 : 0;
