import { expect, test } from "vitest";
import { type LineChart, lineChart } from "./line-chart.ts";
import { lineStyle } from "./line-style.ts";
import { pictureElement, pictureFile } from "./picture.ts";

const chart = (over: Partial<LineChart>): LineChart => ({
  label: "L",
  x: { label: "x", scale: "share" },
  y: { label: "y", scale: "share" },
  lines: [],
  legend: true,
  ...over,
});
const drawn = (over: Partial<LineChart>) => pictureElement(lineChart(chart(over))).text;
const line = (name: string, ys: readonly number[]) => ({
  name,
  style: lineStyle(0),
  points: ys.map((y, x) => ({ x, y })),
});

test("points lie where their values say, from left to right, hollow where they are to be", () => {
  const points = [
    { x: 1, y: 1, hollow: true },
    { x: 0, y: 0, low: 0, high: 0.5, title: "<first>" },
  ];
  const text = drawn({
    lines: [{ name: "a", style: lineStyle(0), points }],
    level: { value: 0.5, label: "level" },
  });
  // 600 x 340 with margins of 72, 26, 34 and 46.
  expect(text).toContain('<polyline points="72.00,294.00 574.00,34.00"');
  expect(text).toContain('<line x1="72" x2="72" y1="294" y2="164" class="interval"/>');
  expect(text).toMatch(/<line x1="72" x2="574" y1="164" y2="164" class="level"\/>/);
  expect(text).toMatch(/cx="574" cy="34" r="4" fill="#ffffff"/);
  expect(text).toMatch(/&lt;first&gt;<\/title><circle cx="72" cy="294" r="4" fill="#0072b2"/);
});

test("points that are not joined have no line through them, nor in the legend", () => {
  const lines = ["a", "b"].map((name) => ({ ...line(name, [0, 1]), joined: false }));
  expect(drawn({ lines })).not.toMatch(/<polyline|stroke-dasharray/);
});

test("divergences get a logarithmic axis, and all zeros a linear one", () => {
  const log = (...ys: number[]) => drawn({ y: { label: "y", scale: "log" }, lines: [line("a", ys)] });
  expect(log(0, 0.0002, 1)).toMatch(/>0.0001<.*>0.001<.*>0.01<.*>0.1<.*>1</);
  expect(log(0, 0)).not.toContain("NaN");
  expect(drawn({ lines: [line("a", [])], y: { label: "y", scale: "log" } })).not.toContain("NaN");
});

test("a linear axis begins near the least number, or at 0 if it is to", () => {
  const linear = (fromZero: boolean) =>
    drawn({ y: { label: "y", scale: "linear", fromZero }, lines: [line("a", [100, 101])] });
  expect(linear(false)).toMatch(/>100<.*>100.2<.*>101</);
  expect(linear(true)).toMatch(/>0<.*>25<.*>125</);
});

test("a title takes its room, and no title takes none", () => {
  expect(drawn({ title: "T" })).toMatch(/viewBox="0 0 600 340".*>T</);
  expect(drawn({})).toContain('viewBox="0 22 600 318"');
});

test("names of several lines are below the chart, in as many rows as they need, and never wider than it", () => {
  const rows = (...names: string[]) => {
    const text = drawn({ lines: names.map((name) => line(name, [0, 1])) });
    return [Number(/viewBox="0 22 600 (\d+)"/.exec(text)![1]) - 318, text] as const;
  };
  expect(rows("alone")[0]).toBe(0);
  const [one, short] = rows("a", "b");
  expect(short).toMatch(/>a<\/text>.*>b<\/text>/);
  expect(rows("a".repeat(40), "b".repeat(40))[0]).toBe(one + 18);
  const [, long] = rows("a", "b".repeat(100));
  expect(long).toContain('textLength="506"');
});

test("numbers that would run into each other are left out, their grid is not", () => {
  const text = drawn({
    x: { label: "x", scale: "log" },
    lines: [{ name: "a", style: lineStyle(0), points: [1000, 9_999, 1_000_000].map((x) => ({ x, y: 1 })) }],
  });
  expect(text).toMatch(/>1,000<.*>20k<.*>1M</);
});

test("a file of its own has its style and is white", () => {
  const file = pictureFile(lineChart(chart({ lines: [line("a", [1])] })));
  expect(file).toMatch(
    /^<svg xmlns="http:\/\/www\.w3\.org\/2000\/svg" viewBox="0 22 600 318" width="600" height="318"/,
  );
  expect(file).toMatch(
    /<style>svg text\{.*<\/style><rect y="22" width="600" height="318" fill="#ffffff"\/>/s,
  );
});
