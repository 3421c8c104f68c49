import { describe, expect, it } from "vitest";
import { agreementOf, klDivergence } from "./divergence.ts";

const logits = (...values: number[]) => Float32Array.from(values);

describe("KL divergence", () => {
  it("is 0 for logits that differ by a constant", () => {
    expect(klDivergence(logits(1, 2, 3), logits(101, 102, 103))).toBeCloseTo(0, 12);
  });

  it("is the sum of p log(p / q)", () => {
    const [p, q] = [
      [0.5, 0.25, 0.25],
      [0.25, 0.25, 0.5],
    ];
    const expected = p!.reduce((sum, share, i) => sum + share * Math.log(share / q![i]!), 0);
    expect(klDivergence(Float32Array.from(p!, Math.log), Float32Array.from(q!, Math.log))).toBeCloseTo(
      expected,
      6,
    );
  });

  it("takes large logits and tokens that are ruled out", () => {
    expect(klDivergence(logits(1e4, 1e4 + 1, -Infinity), logits(0, 1, -Infinity))).toBeCloseTo(0, 6);
    expect(klDivergence(logits(0, 0), logits(0, -Infinity))).toBe(Infinity);
  });

  it("is not a number where a logit is not", () => {
    expect(klDivergence(logits(0, Number.NaN), logits(0, 1))).toBeNaN();
    expect(klDivergence(logits(0, 1), logits(0, Number.NaN))).toBeNaN();
  });

  it("refuses vocabularies of different sizes", () => {
    expect(() => klDivergence(logits(0), logits(0, 1))).toThrow("1 and 2");
  });
});

describe("agreement", () => {
  it("goes by the worst place", () => {
    const [same, other] = [logits(0, 1, 2), logits(2, 1, 0)];
    const agreement = agreementOf([same, same], [same, other], 0.1);
    expect(agreement).toMatchObject({ places: 2, sameChoice: 0.5, passed: false, maxKl: 0.1 });
    expect(agreement.meanKl).toBeCloseTo(agreement.largestKl / 2, 12);
  });

  it("does not pass with a NaN in any place", () => {
    const [sound, broken] = [logits(0, 1), logits(0, Number.NaN)];
    for (const rows of [
      [sound, broken],
      [broken, sound],
    ]) {
      expect(agreementOf([sound, sound], rows, 1)).toMatchObject({ passed: false, largestKl: Number.NaN });
    }
  });
});
