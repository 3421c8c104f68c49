import { describe, expect, it } from "vitest";
import { newestSafe } from "./newest-safe.ts";

describe("newestSafe", () => {
  const scores = Float32Array.of(5, 1, 4);
  const most = Number.POSITIVE_INFINITY;

  it("puts the newest above all others, in a copy", () => {
    expect([...newestSafe(scores, 0)]).toEqual([5, 1, 4]);
    expect([...newestSafe(scores, 2)]).toEqual([5, most, most]);
    expect([...newestSafe(scores, 9)]).toEqual([most, most, most]);
    expect([...scores]).toEqual([5, 1, 4]);
  });
});
