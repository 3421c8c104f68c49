import { describe, expect, it } from "vitest";
import { cpuLevels, openDevice, type Probe, probeDevice } from "../src/index.ts";

const probes: readonly Probe[] = [{ what: "read", bytes: 2 ** 21 }, { what: "float" }, { what: "byte" }];

describe.each(cpuLevels())("a probe on level %s", (cpu) => {
  it.each(probes)("gives a rate that a processor can have: %j", async (probe) => {
    using device = openDevice({ backend: "native", cpu, threads: 1 });
    const rate = await probeDevice(device, probe, 0.01);
    expect(rate).toBeGreaterThan(1e6);
    expect(rate).toBeLessThan(1e14);
  });

  it.each([
    [{ what: "read", bytes: 1000 }, 0.01, /bytes/],
    [{ what: "read", bytes: 0 }, 0.01, /bytes/],
    [{ what: "float" }, 0, /seconds/],
    [{ what: "byte" }, 61, /seconds/],
    [{ what: "write" }, 1, /what/],
  ] as const)("refuses %j for %d s and names the argument", async (probe, seconds, message) => {
    using device = openDevice({ backend: "native", cpu, threads: 1 });
    await expect(probeDevice(device, probe as Probe, seconds)).rejects.toMatchObject({
      code: "invalid-argument",
      message: expect.stringMatching(message),
    });
  });
});

it("measures nothing on the interpreter", async () => {
  using device = openDevice({ backend: "interpreter" });
  await expect(probeDevice(device, { what: "float" })).rejects.toMatchObject({ code: "unsupported" });
});
