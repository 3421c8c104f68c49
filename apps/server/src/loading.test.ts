import { EngineError } from "@kvasir/core";
import { afterEach, expect, it, vi } from "vitest";
import { loadingFailure, withProgress } from "./loading.ts";

afterEach(() => {
  vi.useRealTimers();
});

/** What a terminal shows of work whose first half is reported after two and a half seconds. */
async function shownWhileLoading(seconds: number, isTTY: boolean): Promise<string> {
  vi.useFakeTimers();
  let shown = "";
  const terminal = { isTTY, write: (text: string) => (shown += text) };
  const progress = withProgress(terminal, "loading tiny", (report) => {
    setTimeout(() => report({ bytesDone: 512, bytesTotal: 1024 }), 2500);
    return new Promise<string>((resolve) => setTimeout(() => resolve("done"), seconds * 1000));
  });
  await vi.advanceTimersByTimeAsync(seconds * 1000);
  expect(await progress).toBe("done");
  return shown;
}

it("shows progress at a terminal from two seconds on, and wipes it", async () => {
  expect(await shownWhileLoading(1.5, true)).not.toContain("loading");
  const shown = await shownWhileLoading(4.5, true);
  expect(shown).toContain("loading tiny ... 2 s");
  expect(shown).toContain("loading tiny [############            ] 50 % of 1.0 KiB 4 s");
  expect(shown.endsWith("\r\x1b[2K")).toBe(true);
});

it("shows no progress in a log", async () => {
  expect(await shownWhileLoading(5, false)).toBe("");
});

it("names the flag where the engine names its option", () => {
  const error = new EngineError("invalid-options", "kvCache.memory: too little", "kvCache.memory");
  expect(loadingFailure(error)).toBe("--kv-memory: too little");
  expect(loadingFailure(new Error("config.json: threads"))).toBe("config.json: threads");
});
