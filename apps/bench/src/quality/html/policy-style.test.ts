import { expect, test } from "vitest";
import { policyStyles } from "./policy-style.ts";

test("policies look different from each other, and random always the same", () => {
  const names = Array.from({ length: 24 }, (_, i) => `policy-${i}`);
  const styles = policyStyles(["full", ...names, "random"]);
  expect(styles.has("full")).toBe(false);
  expect(styles.size).toBe(25);
  expect(new Set([...styles.values()].map((style) => JSON.stringify(style))).size).toBe(25);
  expect(policyStyles(["random"]).get("random")).toEqual(styles.get("random"));
});
