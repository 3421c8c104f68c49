import { describe, expect, it } from "vitest";
import { definePolicy } from "./definition.ts";
import { readOption } from "./read-option.ts";
import { adaptive } from "./wrappers/adaptive.ts";

const inner = definePolicy({
  name: "inner",
  signals: ["keyNorm"],
  score: ({ keyNorm }) => keyNorm,
  parameters: {
    pooling: { type: "choice", values: ["max", "7", "true"], default: "max", description: "how" },
    weights: { type: "numbers", default: [1], minimum: 0, maximum: 9, description: "of what" },
  },
});
const definition = adaptive(inner);

describe("readOption", () => {
  it.each<[string, string, unknown]>([
    ["budget", "0.5", 0.5],
    ["sinks", "4", 4],
    ["alphaSafeguard", "-1e-3", -0.001],
    ["decode", "false", false],
    ["prefill", "chunk", "chunk"],
    ["protectLayers", "0", [0]],
    ["protectLayers", "0,-1", [0, -1]],
    ["protectLayers", "", []],
    ["protectLayers", "[1]", [1]],
    ["protectLayers", "first", "first"],
    ["weights", "3", [3]],
    ["weights", "3, 4.5", [3, 4.5]],
    ["pooling", "7", "7"],
    ["pooling", "true", "true"],
    ["unknown", "1,2", [1, 2]],
    ["unknown", "7", 7],
    ["unknown", '{"a": 1}', { a: 1 }],
    ["unknown", "{a", "{a"],
    ["unknown", "", ""],
    ["sinks", "Infinity", "Infinity"],
    ["constructor", "x", "x"],
  ])("reads %s=%s", (name, text, value) => expect(readOption(definition, name, text)).toEqual(value));
});
