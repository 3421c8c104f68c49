import { describe, expect, it } from "vitest";
import { l2Norm } from "./policies/l2-norm.ts";
import { resolvePolicy } from "./resolve-policy.ts";
import { guardsOnly, recentAttention } from "./sample-policies.ts";

const others = [recentAttention, guardsOnly];

describe("resolvePolicy", () => {
  it.each([
    ["l2-norm", []],
    ["recent-attention", ["window"]],
    ["adaptive+recent-attention", ["alphaSafeguard", "window"]],
    ["chunked+adaptive+recent-attention", ["chunkSize", "alphaSafeguard", "window"]],
    ["merge+chunked+l2-norm>recent-attention", ["mergeThreshold", "chunkSize", "window"]],
    ["recent-attention>guards-only", ["window"]],
  ])("reads %s, outermost first", (name, parameters) => {
    const found = resolvePolicy(name, others);
    expect(found.name).toBe(name);
    const names = (of: typeof found): string[] => [...Object.keys(of.parameters), ...of.parts.flatMap(names)];
    expect(names(found).sort()).toEqual([...parameters].sort());
  });

  it("returns what it is given, or finds it as it is", () => {
    expect(resolvePolicy(l2Norm)).toBe(l2Norm);
    expect(resolvePolicy("l2-norm")).toBe(l2Norm);
  });

  it.each([
    ["adaptive+"],
    ["+l2-norm"],
    ["adaptive"],
    ["l2-norm+adaptive"],
    ["constructor+l2-norm"],
    ["l2-norm>"],
    [">l2-norm"],
    ["l2-norm>l2-norm>l2-norm"],
    [""],
    ["chunked+".repeat(100_000)],
    ["l2-norm ".padEnd(100_000, "x")],
  ])("does not know %s", (name) => {
    expect(() => resolvePolicy(name)).toThrowError(expect.objectContaining({ code: "UNKNOWN_POLICY" }));
    try {
      resolvePolicy(name);
    } catch (error) {
      expect((error as Error).message.length).toBeLessThan(2000);
    }
  });

  it.each([
    ["adaptive+full"],
    ["chunked+guards-only"],
    ["merge+merge+l2-norm"],
    ["adaptive+adaptive+l2-norm"],
  ])("refuses %s, which cannot be combined", (name) => {
    expect(() => resolvePolicy(name, others)).toThrowError(
      expect.objectContaining({ code: "INVALID_DEFINITION" }),
    );
  });
});
