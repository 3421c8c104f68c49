import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import packageJson from "../package.json" with { type: "json" };
import { abiVersion } from "../src/native/addon.ts";
import { cpuLevels, openDevice } from "../src/open-device.ts";

/** `KVASIR_NATIVE` may name any module that `require` loads, so these run where no binary is. */
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "kvasir-loader-"));
});
afterEach(() => {
  rmSync(folder, { recursive: true });
  vi.unstubAllEnvs();
});

function standIn(exports: Record<string, unknown>): string {
  const path = join(folder, "stand-in.cjs");
  writeFileSync(path, `Object.assign(exports, ${JSON.stringify(exports)})`);
  vi.stubEnv("KVASIR_NATIVE", path);
  return path;
}

const twoLevels = { version: packageJson.version, abiVersion, levels: "reference,baseline" };

describe("loading the native binary", () => {
  it("says what it tried, why that failed, and what to do", () => {
    const path = join(folder, "absent.node");
    vi.stubEnv("KVASIR_NATIVE", path);
    expect(() => openDevice({ backend: "native" })).toThrow(
      expect.objectContaining({
        code: "unsupported",
        message: expect.stringMatching(/Tried:.*absent\.node: not found.*What to do:.*npm run build/s),
      }),
    );
  });

  it("reports a file that is no addon", () => {
    const path = join(folder, "text.node");
    writeFileSync(path, "not a shared object");
    vi.stubEnv("KVASIR_NATIVE", path);
    expect(() => openDevice({ backend: "native" })).toThrow(/text\.node: .*(invalid|too short|not a)/i);
  });

  it("refuses a binary of another version", () => {
    standIn({ ...twoLevels, version: "99.0.0" });
    expect(() => openDevice({ backend: "native" })).toThrow(
      `version 99.0.0; this package is ${packageJson.version}`,
    );
  });

  it("refuses a binary of another ABI", () => {
    standIn({ ...twoLevels, abiVersion: abiVersion + 1 });
    expect(() => openDevice({ backend: "native" })).toThrow(
      `ABI version is ${abiVersion + 1}; this package needs ${abiVersion}`,
    );
  });

  it("lists no levels where nothing loads, and the binary's in its order where one does", () => {
    vi.stubEnv("KVASIR_NATIVE", join(folder, "absent.node"));
    expect(cpuLevels()).toEqual([]);
    standIn(twoLevels);
    expect(cpuLevels()).toEqual(["reference", "baseline"]);
  });
});

describe("choosing a backend", () => {
  it("falls back to the interpreter with one warning that says why", () => {
    vi.stubEnv("KVASIR_NATIVE", join(folder, "absent.node"));
    const onWarning = vi.fn();
    using device = openDevice({ onWarning });
    expect(device.backend).toBe("interpreter");
    expect(onWarning).toHaveBeenCalledTimes(1);
    expect(onWarning).toHaveBeenCalledWith(expect.stringMatching(/interpreter.*absent\.node: not found/s));
  });

  it("warns by process.emitWarning where nobody listens", () => {
    vi.stubEnv("KVASIR_NATIVE", join(folder, "absent.node"));
    const emitWarning = vi.spyOn(process, "emitWarning").mockImplementation(() => {});
    openDevice().dispose();
    expect(emitWarning).toHaveBeenCalledTimes(1);
    emitWarning.mockRestore();
  });

  it("does not warn about an interpreter that was asked for", () => {
    const onWarning = vi.fn();
    openDevice({ backend: "interpreter", onWarning }).dispose();
    expect(onWarning).not.toHaveBeenCalled();
  });

  it.each(["auto", "native"] as const)(
    "refuses a level that is not there (%s), listing those that are",
    (backend) => {
      standIn(twoLevels);
      expect(() => openDevice({ backend, cpu: "avx512" })).toThrow(
        expect.objectContaining({
          code: "unsupported",
          message: "cpu is avx512; this machine offers reference, baseline",
        }),
      );
      vi.stubEnv("KVASIR_CPU", "mmx");
      expect(() => openDevice({ backend })).toThrow(
        "KVASIR_CPU is mmx; this machine offers reference, baseline",
      );
    },
  );

  it("does not fall back where a level was asked for", () => {
    vi.stubEnv("KVASIR_NATIVE", join(folder, "absent.node"));
    expect(() => openDevice({ cpu: "avx2" })).toThrow(expect.objectContaining({ code: "unsupported" }));
  });

  it.each([
    [{ threads: 0 }, "threads is 0; expected an integer from 1 to 256"],
    [{ threads: 1.5 }, "threads is 1.5"],
    [{ backend: "cuda" as "auto" }, "backend is cuda; expected auto, native or interpreter"],
    [{ backend: "interpreter", cpu: "avx2" } as const, "cpu is avx2; the interpreter has no levels"],
  ])("refuses %j", (options, message) => {
    expect(() => openDevice(options)).toThrow(
      expect.objectContaining({ code: "invalid-argument", message: expect.stringContaining(message) }),
    );
  });
});
