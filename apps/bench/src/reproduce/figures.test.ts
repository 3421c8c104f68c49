import { openDevice } from "@kvasir/kernels";
import { describe, expect, test } from "vitest";
import type { ReproduceSettings } from "./figure.ts";
import { figures } from "./figures.ts";
import { blockChart } from "./html/block-chart.ts";
import { planParts } from "./planned-part.ts";
import { reproduceShapes } from "./reproduce-shape.ts";

test("figures have names of their own, which the command line can tell from all", () => {
  const names = figures.map(({ name }) => name);
  expect(new Set(["all", ...names]).size).toBe(names.length + 1);
  for (const name of names) expect(name).toMatch(/^[a-z0-9]+(-[a-z0-9]+)*$/);
});

using device = openDevice({ backend: "interpreter" });

describe.each(Object.values(reproduceShapes))("with the shape $name", (shape) => {
  const settings: ReproduceSettings = { shape, device, seed: 1 };

  test("each figure has parts, with an estimate and a rank, each with a key of its own, or says why not", () => {
    for (const figure of figures) {
      if (figure.parts(settings).length === 0) {
        expect(figure.section(new Map(), settings).missing, figure.name).not.toHaveLength(0);
      }
      for (const { part } of planParts([figure], settings)) {
        expect(part.seconds, `${figure.name}: ${part.key}`).toBeGreaterThan(0);
        expect([0, 1, 2], `${figure.name}: ${part.key}`).toContain(part.rank);
      }
    }
  });

  test("each figure has a section where nothing was measured, and its charts can be drawn", () => {
    for (const figure of figures) {
      const { run, blocks } = figure.section(new Map(), settings);
      expect(run, figure.name).not.toBe("");
      for (const block of blocks) blockChart(block);
    }
  });
});
