import { cpuLevels, openDevice } from "@kvasir/kernels";
import { describe, expect, it } from "vitest";
import { roofline } from "../src/roofline/roofline.ts";

const small = { seconds: 0.01, bytes: 2 ** 22, dtypes: ["f32", "q8_0"], resident: 512 } as const;

describe.skipIf(cpuLevels().length === 0)("roofline (skipped without native kernels)", () => {
  it("measures the machine on one thread and on all, and a share of it for each kernel", async () => {
    const progress: number[][] = [];
    const { rates, kernels, device } = await roofline({
      ...small,
      device: { backend: "native", threads: 2 },
      onProgress: (...step) => progress.push(step),
    });
    expect(device).toMatch(/^cpu .*, 2 threads$/);
    expect(rates.map(({ threads }) => threads)).toEqual([1, 2]);
    for (const { read, float, byte } of rates) expect(Math.min(read, float, byte)).toBeGreaterThan(1e6);
    expect(kernels.map(({ kernel }) => kernel)).toEqual([
      "linear f32, 1 row",
      "linear f32, 16 rows",
      "linear f32, 512 rows",
      "linear q8_0, 1 row",
      "linear q8_0, 16 rows",
      "linear q8_0, 512 rows",
      "attention over 512, 1 row",
      "attention over 512, 512 rows",
    ]);
    for (const { share, ms } of kernels) expect([share > 0, ms > 0]).toEqual([true, true]);
    expect(progress.map(([done]) => done)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8].slice(0, progress.length));
    expect(progress.at(-1)).toEqual([8, 8]);
  });
});

it("measures no interpreter", async () => {
  const device = { backend: "interpreter", threads: 1 } as const;
  using interpreter = openDevice(device);
  expect(interpreter.backend).toBe("interpreter");
  await expect(roofline({ ...small, device })).rejects.toMatchObject({ code: "unsupported" });
});
