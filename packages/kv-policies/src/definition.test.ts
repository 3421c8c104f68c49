import { describe, expect, it } from "vitest";
import { definePolicy, isPolicyDefinition, type PolicySpec } from "./definition.ts";
import type { PolicyParameters } from "./options.ts";
import { l2Norm } from "./policies/l2-norm.ts";
import type { Signal } from "./signals.ts";
import { adaptive } from "./wrappers/adaptive.ts";
import { perLayer } from "./wrappers/per-layer.ts";

const right = { name: "right", signals: ["keyNorm"], score: () => new Float32Array(1) };
const number = { type: "number", default: 1, minimum: 0, maximum: 2, description: "a number" };
/** As someone calls it whom no compiler corrects. */
const define = (spec: unknown) => definePolicy(spec as PolicySpec<Signal, PolicyParameters>);

describe("definePolicy, called from JavaScript,", () => {
  it.each<[string, unknown, string]>([
    ["nothing", undefined, "policy"],
    ["an array", [], "policy"],
    ["no name", { signals: [] }, "name"],
    ["a name that is no string", { ...right, name: 5 }, "name"],
    ["no signals", { name: "right" }, "signals"],
    ["signals that are no list", { ...right, signals: "keyNorm" }, "signals"],
    ["a misspelt field", { ...right, scores: right.score }, "scores"],
    ["a score that is no function", { ...right, score: [1] }, "score"],
    ["a field that every object has", { ...right, toString: right.score }, "toString"],
    ["positions that are none", { ...right, positions: "other" }, "positions"],
    ["shares by something else", { ...right, sharesBy: "page" }, "sharesBy"],
    ["a measure of attention that it does not read", { ...right, attention: () => ({}) }, "attention"],
    ["parameters in a list", { ...right, parameters: [] }, "parameters"],
    ["a parameter that is no object", { ...right, parameters: { a: 1 } }, "parameters"],
    ["a parameter of no type", { ...right, parameters: { a: { ...number, type: "float" } } }, "parameters"],
    [
      "a parameter without range",
      { ...right, parameters: { a: { ...number, minimum: undefined } } },
      "parameters",
    ],
    ["a default out of range", { ...right, parameters: { a: { ...number, default: 3 } } }, "parameters"],
    [
      "a parameter without description",
      { ...right, parameters: { a: { ...number, description: 1 } } },
      "parameters",
    ],
    [
      "a choice of nothing",
      { ...right, parameters: { a: { ...number, type: "choice", values: [] } } },
      "parameters",
    ],
    ["a parameter in snake_case", { ...right, parameters: { a_b: number } }, "parameters"],
    ["a parameter that every object has", { ...right, parameters: { constructor: number } }, "parameters"],
    ["an engine's option for a parameter", { ...right, parameters: { memory: number } }, "parameters"],
    ["a combination with a change", { ...adaptive(l2Norm), name: "changed" }, "partAt"],
  ])("refuses %s", (_, spec, field) => {
    expect(() => define(spec)).toThrow(expect.objectContaining({ code: "INVALID_DEFINITION", field }));
  });
});

describe("isPolicyDefinition", () => {
  it.each([
    ["defined", define(right)],
    ["defined after the pattern of another", definePolicy({ ...l2Norm, name: "other" })],
    ["wrapped", adaptive(l2Norm)],
    ["made for a model", perLayer(() => l2Norm)],
  ])("knows what was %s", (_, value) => expect(isPolicyDefinition(value)).toBe(true));

  it.each([
    ["a specification", right],
    ["a copy", { ...l2Norm }],
    ["a copy, frozen", Object.freeze({ ...l2Norm })],
    ["something with a definition for its prototype", Object.freeze(Object.create(l2Norm))],
    ["a name", "l2-norm"],
    ["a function", () => l2Norm],
    ["null", null],
  ])("does not take %s for one", (_, value) => expect(isPolicyDefinition(value)).toBe(false));
});
