import { TemplateError } from "../errors.ts";
import type { Meter } from "./meter.ts";
import { toText } from "./text.ts";
import {
  asNumber,
  Float,
  int,
  isDict,
  isList,
  isTrue,
  itemsOf,
  typeName,
  Undefined,
  type Value,
} from "./values.ts";

/** Applies a binary operator other than `and` and `or`, as Python does. Throws TemplateError, TemplateLimitError. */
export function binary(operator: string, left: Value, right: Value, meter: Meter): Value {
  if (operator === "==") return equal(left, right, meter);
  if (operator === "!=") return !equal(left, right, meter);
  if (operator === "in") return contains(right, left, meter);
  if (operator === "not in") return !contains(right, left, meter);
  if (operator === "~") return concat(toText(left, meter), toText(right, meter), meter);
  for (const side of [left, right])
    if (side instanceof Undefined) throw new TemplateError(`${side.what} is undefined`);
  if (operator === "<") return compare(left, right, meter) < 0;
  if (operator === ">") return compare(left, right, meter) > 0;
  if (operator === "<=") return compare(left, right, meter) <= 0;
  if (operator === ">=") return compare(left, right, meter) >= 0;
  if (operator === "+" && typeof left === "string" && typeof right === "string")
    return concat(left, right, meter);
  if (operator === "+" && isList(left) && isList(right)) {
    meter.step(left.length + right.length);
    return [...left, ...right];
  }
  if (operator === "*") {
    const repeated = repeat(left, right, meter) ?? repeat(right, left, meter);
    if (repeated !== undefined) return repeated;
  }
  return arithmetic(operator, left, right);
}

export function concat(left: string, right: string, meter: Meter): string {
  meter.text(left.length + right.length);
  return left + right;
}

function repeat(value: Value, count: Value, meter: Meter): Value | undefined {
  if (typeof count !== "number" && typeof count !== "boolean") return undefined;
  const times = Math.max(0, Number(count));
  if (typeof value === "string") {
    meter.text(value.length * times);
    return value.repeat(times);
  }
  if (!isList(value)) return undefined;
  meter.step(value.length * times);
  return Array.from({ length: value.length * times }, (_, i) => value[i % value.length]!);
}

function arithmetic(operator: string, left: Value, right: Value): Value {
  const a = asNumber(left);
  const b = asNumber(right);
  if (a === undefined || b === undefined) {
    throw new TemplateError(
      `unsupported operand types for ${operator}: '${typeName(left)}' and '${typeName(right)}'`,
    );
  }
  if (b === 0 && ["/", "//", "%"].includes(operator)) throw new TemplateError("division by zero");
  const results: Readonly<Record<string, () => number>> = {
    "+": () => a + b,
    "-": () => a - b,
    "*": () => a * b,
    "/": () => a / b,
    "//": () => Math.floor(a / b),
    "%": () => a - b * Math.floor(a / b),
    "**": () => a ** b,
  };
  const result = results[operator]?.();
  if (result === undefined) throw new TemplateError(`unknown operator ${operator}`);
  const isFloat =
    left instanceof Float || right instanceof Float || operator === "/" || (operator === "**" && b < 0);
  return isFloat ? new Float(result) : int(result);
}

/** Applies `not`, `+` or `-` to a value. */
export function unary(operator: string, value: Value): Value {
  if (operator === "not") return !isTrue(value);
  const number = asNumber(value);
  if (number === undefined)
    throw new TemplateError(`bad operand type for unary ${operator}: '${typeName(value)}'`);
  const result = operator === "-" ? -number : number;
  return value instanceof Float ? new Float(result) : int(result);
}

/** Python's `==`. */
export function equal(left: Value, right: Value, meter: Meter): boolean {
  meter.step();
  if (typeof left === "string" && typeof right === "string") {
    if (left.length === right.length) meter.read(left);
    return left === right;
  }
  const a = asNumber(left);
  if (a !== undefined) return a === asNumber(right);
  if (left instanceof Undefined) return right instanceof Undefined;
  if (isList(left) && isList(right)) {
    if (left.length !== right.length) return false;
    return nested(meter, () => left.every((item, i) => equal(item, right[i]!, meter)));
  }
  if (isDict(left) && isDict(right)) {
    if (left.size !== right.size) return false;
    return nested(meter, () =>
      [...left].every(([key, item]) => right.has(key) && equal(item, right.get(key)!, meter)),
    );
  }
  return left === right;
}

/** Python's order: below zero where `left` comes first. Throws TemplateError for types that have none. */
export function compare(left: Value, right: Value, meter: Meter): number {
  meter.step();
  if (typeof left === "string" && typeof right === "string") {
    meter.step(Math.ceil(Math.min(left.length, right.length) / 64));
    return left < right ? -1 : left > right ? 1 : 0;
  }
  const a = asNumber(left);
  const b = asNumber(right);
  if (a !== undefined && b !== undefined) return a - b;
  if (isList(left) && isList(right)) {
    return nested(meter, () => {
      for (let i = 0; i < Math.min(left.length, right.length); i++) {
        const order = compare(left[i]!, right[i]!, meter);
        if (order !== 0) return order;
      }
      return left.length - right.length;
    });
  }
  throw new TemplateError(`'${typeName(left)}' and '${typeName(right)}' cannot be ordered`);
}

function contains(container: Value, item: Value, meter: Meter): boolean {
  if (typeof container === "string") {
    if (typeof item !== "string") {
      throw new TemplateError(`'in <string>' requires string as left operand, not ${typeName(item)}`);
    }
    meter.search(container, item);
    return container.includes(item);
  }
  if (isDict(container)) {
    const isKey = item === null || ["string", "number", "boolean"].includes(typeof item);
    return isKey && container.has(item as string);
  }
  return itemsOf(container, meter).some((other) => equal(item, other, meter));
}

function nested<T>(meter: Meter, inside: () => T): T {
  meter.enter();
  const result = inside();
  meter.leave();
  return result;
}

/** `value[start:stop:step]` of a list or a string (by code points). */
export function slice(value: Value, bounds: readonly (Value | undefined)[], meter: Meter): Value {
  if (!isList(value) && typeof value !== "string")
    throw new TemplateError(`'${typeName(value)}' cannot be sliced`);
  const [from, to, by] = bounds.map((bound) => {
    if (bound === undefined || bound === null) return undefined;
    if (typeof bound === "number") return bound;
    throw new TemplateError(`slice: expected an int, received ${typeName(bound)}`);
  });
  const step = by ?? 1;
  if (step === 0) throw new TemplateError("slice step cannot be zero");
  const items = itemsOf(value, meter);
  const [lowest, highest] = step > 0 ? [0, items.length] : [-1, items.length - 1];
  const clamp = (bound: number | undefined, open: number) => {
    if (bound === undefined) return open;
    return Math.min(Math.max(bound < 0 ? bound + items.length : bound, lowest), highest);
  };
  const start = clamp(from, step > 0 ? 0 : items.length - 1);
  const stop = clamp(to, step > 0 ? items.length : -1);
  const taken: Value[] = [];
  for (let i = start; step > 0 ? i < stop : i > stop; i += step) taken.push(items[i]!);
  meter.step(taken.length);
  return typeof value === "string" ? taken.join("") : taken;
}
