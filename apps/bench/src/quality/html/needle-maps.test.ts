import { expect, test } from "vitest";
import { heatMaps } from "../../html/heat-maps.ts";
import { pictureElement } from "../../html/picture.ts";
import { needleMaps } from "./needle-maps.ts";

test("there is a cell for each length and depth, with its counts", () => {
  const cells = [0, 1].flatMap((depth) =>
    [128, 256].map((length) => ({ task: "passkey" as const, length, depth, found: depth, n: 1 })),
  );
  const maps = needleMaps({
    title: "T",
    rows: ["a"],
    columns: ["budget 0.5"],
    maps: [{ row: "a", column: "budget 0.5", cells }],
  });
  const { text } = pictureElement(heatMaps(maps));
  expect(text.match(/<rect/g)).toHaveLength(4);
  expect(text.match(/>1\/1</g)).toHaveLength(2);
  expect(text).toContain("a, budget 0.5, 256 tokens, depth 1: 1 of 1");
});
