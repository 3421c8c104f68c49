import { InvalidArgumentError } from "commander";
import type { Range } from "./load-settings.ts";

const refuse = (expected: string): never => {
  throw new InvalidArgumentError(`Expected ${expected}.`);
};

/** Reads a number above `low`, or from it on, up to `high`. */
export function number(low: number, high: number, open = false): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (text.trim() !== "" && value <= high && (open ? value > low : value >= low)) return value;
    return refuse(`a number ${open ? "above" : "from"} ${low} to ${high}`);
  };
}

/** Reads `5` or `5-9`. */
export function range(read: (text: string) => number): (text: string) => Range {
  return (text) => {
    const [low, high = low] = text.split("-").map(read);
    return text.split("-").length <= 2 && low! <= high!
      ? { low: low!, high: high! }
      : refuse("a number, or two like 5-9");
  };
}

/** Reads `name=number,name=number`. */
export function pairs<Name extends string>(
  names: readonly Name[],
  text: string,
): (readonly [Name, number])[] {
  return text.split(",").map((part) => {
    const [name, value] = part.split("=");
    const known = names.find((one) => one === name?.trim());
    return known
      ? ([known, number(0, 1e9, true)(value ?? "")] as const)
      : refuse(`some of ${names.join(", ")}, each with a number: name=1,name=2`);
  });
}

/** Reads a JSON object. */
export function fields(text: string): Readonly<Record<string, unknown>> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return refuse("a JSON object");
  }
  return typeof value === "object" && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : refuse("a JSON object");
}
