import { expect, test } from "vitest";
import { heatColour, inkOn, twoSidedColour } from "./colour-scale.ts";
import { type HeatMaps, heatMaps } from "./heat-maps.ts";
import { pictureElement } from "./picture.ts";

const bright = (colour: string) => {
  const [r, g, b] = [1, 3, 5].map((at) => Number.parseInt(colour.slice(at, at + 2), 16));
  return 0.21 * r! + 0.72 * g! + 0.07 * b!;
};

test("colours go from dark to light, and around 0 over white", () => {
  expect([heatColour(0), heatColour(1), heatColour(7)]).toEqual(["#00224e", "#fee838", "#fee838"]);
  const brightness = [0, 0.13, 0.3, 0.5, 0.77, 1].map((share) => bright(heatColour(share)));
  expect(brightness).toEqual(brightness.toSorted((a, b) => a - b));
  expect([0, 0.5, 1].map(twoSidedColour)).toEqual(["#0072b2", "#ffffff", "#d55e00"]);
  expect([heatColour(0), heatColour(1)].map(inkOn)).toEqual(["#ffffff", "#000000"]);
});

const map = (rows: number, columns: number, over: Partial<HeatMaps>): string =>
  pictureElement(
    heatMaps({
      ...{ label: "L", rows: [""], columns: [""] },
      down: { label: "layer", names: Array.from({ length: rows }, (_, i) => `r${i}`), pixels: 15 },
      across: { label: "head", names: Array.from({ length: columns }, (_, i) => `c${i}`), pixels: 30 },
      maps: [
        {
          ...{ row: 0, column: 0 },
          cells: [{ down: rows - 1, across: columns - 1, colour: "#000000", text: "0.5", title: "last" }],
        },
      ],
      ...over,
    }),
  ).text;

test("a map has its sides' labels and names, its cells, and a scale if it is to", () => {
  const text = map(2, 3, {});
  expect(text).toMatch(/>head<.*>c0<.*>c2<.*>layer<.*>r1</);
  expect(text).toMatch(/<title>last<\/title><rect .* width="29" height="14" fill="#000000"\/>/);
  expect(text).toContain('fill="#ffffff">0.5</text>');
  expect(map(1, 1, { scale: { colour: heatColour, names: ["-1", "0", "1"] } })).toMatch(/>-1<.*>0<.*>1</);
});

test("names and texts that do not fit are left out", () => {
  const names = Array.from({ length: 40 }, (_, i) => `${100 + i}`);
  const text = map(40, 40, {
    down: { names, pixels: 4 },
    across: { names, pixels: 8 },
  });
  expect(text.match(/class="tiny middle">\d+</g)).toHaveLength(14);
  expect(text.match(/class="tiny end">\d+</g)).toHaveLength(14);
  expect(text).not.toContain("0.5</text>");
});
