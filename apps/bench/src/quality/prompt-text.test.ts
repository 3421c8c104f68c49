import { expect, test } from "vitest";
import { spread } from "./prompt-text.ts";

const ids = Int32Array.from({ length: 1000 }, (_, i) => i);

test("stretches of a text lie apart, over its whole length, at places that the seed draws", () => {
  const stretches = spread(ids, 9, 50, 3);
  stretches.forEach((stretch, i) => {
    const [first] = stretch;
    expect(Array.from(stretch)).toEqual(Array.from({ length: 50 }, (_, k) => first! + k));
    expect(first).toBeGreaterThanOrEqual(i * 111);
    expect(first! + 50).toBeLessThanOrEqual((i + 1) * 111);
  });
  expect(spread(ids, 9, 50, 3)).toEqual(stretches);
  expect(spread(ids, 9, 50, 4)).not.toEqual(stretches);
});

test("a text that is too short is refused, with the tokens it needs and has", () => {
  expect(spread(ids, 10, 100, 1)).toHaveLength(10);
  expect(() => spread(ids, 10, 101, 1)).toThrow(/text: expected at least 1010 tokens .* received 1000/);
});
