import { EventEmitter } from "node:events";
import { EngineError } from "@kvasir/core";
import { describe, expect, it } from "vitest";
import { runCommand } from "../src/command.ts";

async function run(args: readonly string[], failure: Error = new Error("loaded")) {
  const written = { out: "", err: "" };
  const exit = await runCommand(
    args,
    {
      stdout: { write: (text) => (written.out += text) },
      stderr: { write: (text) => (written.err += text) },
      signals: new EventEmitter(),
    },
    () => Promise.reject(failure),
  );
  return { exit, ...written };
}

describe("kvasir-server fit", () => {
  it("says what a model takes and what would fit, and loads nothing", async () => {
    const { exit, out, err } = await run(["fit", "--model", "tiny-lckv", "--memory", "1GiB"]);
    expect([exit, err]).toEqual([0, ""]);
    expect(out).toMatch(/^ {2}weights +\d/m);
    expect(out).toMatch(/KV +.* for 1 request of 1,024 tokens, policy full; [\d,]+ bytes per token \(f16/);
    expect(out).toMatch(/it fits/);
    expect(out).toMatch(/parallel +[\d,]+ requests of 1,024 tokens at most/);
  });

  it("ends with 3 where it does not fit, and gives the same as JSON", async () => {
    const args = ["fit", "--ctx", "512", "--parallel", "9", "--memory", "30MiB", "--json"];
    const { exit, out } = await run(args);
    const report = JSON.parse(out);
    expect(exit).toBe(report.fits ? 0 : 3);
    expect(report).toMatchObject({ context: 512, parallel: 9, availableBytes: 30 * 2 ** 20 });
    expect(report.totalBytes).toBe(report.weightBytes + report.kvBytes + report.activationBytes);
    expect((await run(["fit", "--memory", "1KiB"])).exit).toBe(3);
  });

  it("goes by policies and their budgets", async () => {
    const bytes = async (...flags: readonly string[]) =>
      JSON.parse((await run(["fit", "--step-tokens", "64", "--json", ...flags])).out).kvBytes as number;
    const evicting = ["--kv-policy", "streaming-llm", "--kv-budget", "64", "--kv-option", "prefill=chunk"];
    expect(await bytes(...evicting)).toBeLessThan(await bytes());
    expect(await bytes("--kv-dtype", "f32")).toBeGreaterThan(await bytes());
  });

  it.each<[readonly string[], number, string]>([
    [["fit", "--ctx", "0"], 2, "--ctx"],
    [["fit", "--nonsense"], 2, "--nonsense"],
    [["fit", "--ctx", "5000"], 1, "--ctx: expected an integer in [1, 1024]"],
    [["fit", "--kv-policy", "lru"], 1, "--kv-policy"],
    [["fit", "--model", "/no/where"], 1, "--model"],
  ])("%j is wrong", async (args, code, message) => {
    const { exit, err, out } = await run(args);
    expect([exit, out]).toEqual([code, ""]);
    expect(err).toContain(message);
  });
});

describe("a server that can not start for want of memory", () => {
  it("says what the model takes and what would fit, in the same line", async () => {
    for (const failure of [
      new EngineError("invalid-options", "kvCache.memory: too little", "kvCache.memory"),
      Object.assign(new Error("no memory"), { code: "out-of-memory" }),
    ]) {
      const { exit, err } = await run(["--model", "tiny"], failure);
      expect(exit).toBe(1);
      expect(err).toMatch(
        /\(weights .* \+ KV .* for 1 request of 1,024 tokens \+ activations .* = .* free; at most [\d,]+ tokens fit\)\n$/,
      );
      expect(err.trimEnd().split("\n")).toHaveLength(1);
    }
  });

  it("says nothing of memory where something else is to blame", async () => {
    expect((await run([], new Error("other"))).err).toBe("kvasir-server: other\n");
  });
});
