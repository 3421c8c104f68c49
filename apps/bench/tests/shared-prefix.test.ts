import { cpuLevels } from "@kvasir/kernels";
import { describe, expect, it } from "vitest";
import { sharedPrefix } from "../src/shared-prefix/shared-prefix.ts";

const small = { heads: 4, kvHeads: 2, headDim: 16, dtype: "f16", own: 5, repetitions: 3 } as const;

describe.skipIf(cpuLevels().length === 0)("shared-prefix (skipped without native kernels)", () => {
  it("measures every number of sequences with every prefix, as ratios of one repetition each", async () => {
    const progress: string[] = [];
    const { device, rows } = await sharedPrefix({
      ...small,
      device: { backend: "native", threads: 2 },
      sequences: [1, 3],
      prefixes: [16, 528],
      onProgress: ({ done, total, now }) => progress.push(`${done} of ${total}: ${now}`),
    });
    expect(device).toMatch(/^cpu .*, 2 threads$/);
    expect(rows.map(({ sequences, prefix }) => [sequences, prefix])).toEqual([
      [1, 16],
      [1, 528],
      [3, 16],
      [3, 528],
    ]);
    for (const { unshared, shared, ratio } of rows)
      ratio.samples.forEach((one, i) => {
        expect(one).toBe(unshared.samples[i]! / shared.samples[i]!);
      });
    expect(progress).toHaveLength(4);
    expect(progress[3]).toBe("3 of 4: 3 sequences, 528 shared");
  });
});
