import { expect, test } from "vitest";
import { heatColour, heatMaps } from "./heat-maps.ts";
import { lineChart } from "./line-chart.ts";
import { policyStyles } from "./policy-style.ts";

test("policies look different from each other, and random always the same", () => {
  const names = Array.from({ length: 24 }, (_, i) => `policy-${i}`);
  const styles = policyStyles(["full", ...names, "random"]);
  expect(styles.has("full")).toBe(false);
  expect(styles.size).toBe(25);
  expect(new Set([...styles.values()].map((style) => JSON.stringify(style))).size).toBe(25);
  expect(policyStyles(["random"]).get("random")).toEqual(styles.get("random"));
});

test("points lie where their values say, from left to right, hollow where they are not better", () => {
  const style = policyStyles(["a"]).get("a")!;
  const point = { low: 0, high: 1, hollow: false, title: "" };
  const { text } = lineChart({
    title: "T",
    xLabel: "x",
    yLabel: "y",
    scale: "share",
    level: { value: 0.5, label: "level" },
    lines: [
      {
        name: "a",
        className: "p1",
        style,
        points: [
          { ...point, x: 1, y: 1, hollow: true },
          { ...point, x: 0, y: 0 },
        ],
      },
    ],
  });
  // 600 x 340 with margins of 72, 26, 34 and 46.
  expect(text).toContain('<polyline points="72.00,294.00 574.00,34.00"');
  expect(text).toMatch(/<line x1="72" x2="574" y1="164" y2="164" class="level"\/>/);
  expect(text).toMatch(/cx="574" cy="34" r="4" fill="#ffffff"/);
  expect(text).toMatch(/cx="72" cy="294" r="4" fill="#0072b2"/);
});

test("divergences get a logarithmic axis, and all zeros a linear one", () => {
  const chart = (values: number[]) =>
    lineChart({
      title: "T",
      xLabel: "x",
      yLabel: "y",
      scale: "log",
      lines: [
        {
          name: "a",
          className: "p0",
          style: policyStyles(["a"]).get("a")!,
          points: values.map((y) => ({ x: y, y, low: y, high: y, hollow: false, title: "" })),
        },
      ],
    }).text;
  expect(chart([0, 0.001, 1])).toMatch(/>0.001<.*>0.01<.*>0.1<.*>1</);
  expect(chart([0, 0])).not.toContain("NaN");
});

test("the colours of a heat map go from dark to light", () => {
  expect(heatColour(0)).toBe("#00224e");
  expect(heatColour(1)).toBe("#fee838");
  const brightness = [0, 0.13, 0.3, 0.5, 0.77, 1].map((share) => {
    const [r, g, b] = [1, 3, 5].map((at) => Number.parseInt(heatColour(share).slice(at, at + 2), 16));
    return 0.21 * r! + 0.72 * g! + 0.07 * b!;
  });
  expect(brightness).toEqual(brightness.toSorted((a, b) => a - b));
});

test("a heat map has a cell for each length and depth, with its counts", () => {
  const cells = [0, 1].flatMap((depth) =>
    [128, 256].map((length) => ({ task: "passkey" as const, length, depth, found: depth, n: 1 })),
  );
  const { text } = heatMaps({
    title: "T",
    rows: ["a"],
    columns: ["budget 0.5"],
    maps: [{ row: "a", column: "budget 0.5", cells }],
  });
  expect(text.match(/<rect/g)).toHaveLength(4);
  expect(text.match(/>1\/1</g)).toHaveLength(2);
  expect(text).toContain("a, budget 0.5, 256 tokens, depth 1: 1 of 1");
});
