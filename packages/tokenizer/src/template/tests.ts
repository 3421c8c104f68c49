import { TemplateError } from "../errors.ts";
import type { Meter } from "./meter.ts";
import { binary, compare, equal } from "./operators.ts";
import { asNumber, Callable, Float, isDict, isList, Namespace, Undefined, type Value } from "./values.ts";

type Test = (value: Value, args: readonly Value[], meter: Meter) => boolean;

const ordered =
  (holds: (order: number) => boolean): Test =>
  (value, [other], meter) =>
    holds(compare(value, other ?? null, meter));

const same: Test = (value, [other], meter) => equal(value, other ?? null, meter);
const isInt = (value: Value) => typeof value === "number";
const integer = (value: Value, name: string) => {
  if (typeof value !== "number" && typeof value !== "boolean")
    throw new TemplateError(`test ${name}: expected an int`);
  return Number(value);
};

/** The tests of Jinja2 (`value is name`). */
const TESTS: ReadonlyMap<string, Test> = new Map<string, Test>([
  ["defined", (value) => !(value instanceof Undefined)],
  ["undefined", (value) => value instanceof Undefined],
  ["none", (value) => value === null],
  ["boolean", (value) => typeof value === "boolean"],
  ["true", (value) => value === true],
  ["false", (value) => value === false],
  ["integer", isInt],
  ["float", (value) => value instanceof Float],
  ["number", (value) => asNumber(value) !== undefined],
  ["string", (value) => typeof value === "string"],
  ["mapping", (value) => isDict(value)],
  ["sequence", (value) => isList(value) || isDict(value) || typeof value === "string"],
  [
    "iterable",
    (value) => isList(value) || isDict(value) || typeof value === "string" || value instanceof Undefined,
  ],
  ["callable", (value) => value instanceof Callable],
  ["odd", (value) => integer(value, "odd") % 2 !== 0],
  ["even", (value) => integer(value, "even") % 2 === 0],
  [
    "lower",
    (value) => typeof value === "string" && value !== value.toUpperCase() && value === value.toLowerCase(),
  ],
  [
    "upper",
    (value) => typeof value === "string" && value !== value.toLowerCase() && value === value.toUpperCase(),
  ],
  [
    "divisibleby",
    (value, [by]) => {
      const divisor = integer(by ?? null, "divisibleby");
      if (divisor === 0) throw new TemplateError("test divisibleby: division by zero");
      return integer(value, "divisibleby") % divisor === 0;
    },
  ],
  ["eq", same],
  ["equalto", same],
  ["==", same],
  ["ne", (value, args, meter) => !same(value, args, meter)],
  ["!=", (value, args, meter) => !same(value, args, meter)],
  ["lt", ordered((order) => order < 0)],
  ["lessthan", ordered((order) => order < 0)],
  ["<", ordered((order) => order < 0)],
  ["le", ordered((order) => order <= 0)],
  ["<=", ordered((order) => order <= 0)],
  ["gt", ordered((order) => order > 0)],
  ["greaterthan", ordered((order) => order > 0)],
  [">", ordered((order) => order > 0)],
  ["ge", ordered((order) => order >= 0)],
  [">=", ordered((order) => order >= 0)],
  ["in", (value, [container], meter) => binary("in", value, container ?? null, meter) === true],
  [
    "sameas",
    (value, [other]) => {
      const isObject = isList(value) || isDict(value) || value instanceof Namespace;
      return isObject || typeof value !== "object" || value === null ? value === other : false;
    },
  ],
]);

/** Runs a test. Throws TemplateError for one that does not exist. */
export function runTest(name: string, value: Value, args: readonly Value[], meter: Meter): boolean {
  const test = TESTS.get(name);
  if (test === undefined) throw new TemplateError(`No test named '${name}'`);
  meter.step();
  if (typeof value === "string") meter.read(value);
  return test(value, args, meter);
}
