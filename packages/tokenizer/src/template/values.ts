import { TemplateError } from "../errors.ts";
import type { Meter } from "./meter.ts";

/**
 * A value while a template runs, in Python's terms: `number` is an int, `Float` a float, an array a list or tuple,
 * a `Map` a dict, null None. Lists and dicts are never changed once made.
 */
export type Value =
  | string
  | number
  | boolean
  | null
  | Float
  | Undefined
  | Namespace
  | Callable
  | readonly Value[]
  | Dict;

export type Key = string | number | boolean | null;
export type Dict = ReadonlyMap<Key, Value>;

/** Python's float, so that 1.0 is told from 1. */
export class Float {
  readonly value: number;

  constructor(value: number) {
    this.value = value;
  }
}

/** A name or field that does not exist: empty when printed, false, and an error when used. */
export class Undefined {
  readonly what: string;

  constructor(what: string) {
    this.what = what;
  }
}

/** An object with named values: `namespace()`, whose values `set` may change, and the `loop` of a for. */
export class Namespace {
  readonly values: Map<string, Value>;
  readonly mutable: boolean;

  constructor(values: Map<string, Value>, mutable = true) {
    this.values = values;
    this.mutable = mutable;
  }
}

/** Something that can be called: a macro, a global function, or a method with its object. */
export class Callable {
  readonly name: string;
  readonly call: (args: Arguments) => Value;

  constructor(name: string, call: (args: Arguments) => Value) {
    this.name = name;
    this.call = call;
  }
}

/** Arguments of a call. */
export interface Arguments {
  positional: readonly Value[];
  named: ReadonlyMap<string, Value>;
}

/** Assigns arguments to parameters as Python does. Throws TemplateError for one too many or an unknown name. */
export function bind(name: string, args: Arguments, parameters: readonly string[]): (Value | undefined)[] {
  if (args.positional.length > parameters.length) {
    throw new TemplateError(
      `${name}() takes at most ${parameters.length} arguments, received ${args.positional.length}`,
    );
  }
  const bound: (Value | undefined)[] = parameters.map((_, i) => args.positional[i]);
  for (const [key, value] of args.named) {
    const at = parameters.indexOf(key);
    if (at < 0) throw new TemplateError(`${name}() has no argument named ${key}`);
    if (bound[at] !== undefined) throw new TemplateError(`${name}() received ${key} twice`);
    bound[at] = value;
  }
  return bound;
}

export function isList(value: Value): value is readonly Value[] {
  return Array.isArray(value);
}

export function isDict(value: Value): value is Dict {
  return value instanceof Map;
}

/** Python's name of a value's type, for messages. */
export function typeName(value: Value): string {
  if (value === null) return "None";
  if (value instanceof Undefined) return "undefined";
  if (value instanceof Float) return "float";
  if (value instanceof Namespace) return "namespace";
  if (value instanceof Callable) return "function";
  if (isList(value)) return "list";
  if (isDict(value)) return "dict";
  return { string: "str", number: "int", boolean: "bool" }[typeof value as "string" | "number" | "boolean"];
}

export function isTrue(value: Value): boolean {
  if (value instanceof Undefined) return false;
  if (value instanceof Float) return value.value !== 0;
  if (isList(value)) return value.length > 0;
  if (isDict(value)) return value.size > 0;
  return Boolean(value);
}

/** The number in an int, float or bool; undefined for anything else. */
export function asNumber(value: Value): number | undefined {
  if (typeof value === "number") return value;
  if (typeof value === "boolean") return Number(value);
  return value instanceof Float ? value.value : undefined;
}

/** An int, which must be exact: Python's are unbounded, these end at 2^53. */
export function int(value: number): number {
  if (!Number.isSafeInteger(value)) throw new TemplateError(`chat template: integer out of range: ${value}`);
  return value === 0 ? 0 : value;
}

/** An integer argument. */
export function intArgument(name: string, value: Value | undefined, fallback: number): number {
  if (value === undefined || value === null) return fallback;
  if (typeof value === "number" || typeof value === "boolean") return Number(value);
  throw new TemplateError(`${name}: expected an int, received ${typeName(value)}`);
}

/** A text argument. */
export function textArgument(name: string, value: Value | undefined): string {
  if (typeof value === "string") return value;
  throw new TemplateError(
    `${name}: expected a str, received ${value === undefined ? "nothing" : typeName(value)}`,
  );
}

/** The value if there is one (None is one), or else the fallback. */
export function orElse(value: Value | undefined, fallback: Value): Value {
  return value === undefined ? fallback : value;
}

/** The items that a for loop over the value visits. */
export function itemsOf(value: Value, meter: Meter): readonly Value[] {
  if (isList(value)) return value;
  if (value instanceof Undefined) return [];
  if (typeof value === "string") {
    meter.step(value.length);
    return Array.from(value);
  }
  if (isDict(value)) {
    meter.step(value.size);
    return [...value.keys()];
  }
  throw new TemplateError(`'${typeName(value)}' object is not iterable`);
}

/** A key of a dict. */
export function asKey(value: Value): Key {
  if (value === null || typeof value === "string" || typeof value === "number" || typeof value === "boolean")
    return value;
  throw new TemplateError(`unsupported dict key: '${typeName(value)}'`);
}

/** A JavaScript value from outside (JSON, that is) as a value; fields that are undefined are left out. */
export function fromJavaScript(value: unknown, meter: Meter): Value {
  meter.step();
  if (value === null || typeof value === "string" || typeof value === "boolean") return value;
  if (typeof value === "number") return Number.isSafeInteger(value) ? value : new Float(value);
  meter.enter();
  try {
    if (Array.isArray(value)) return value.map((item) => fromJavaScript(item ?? null, meter));
    if (typeof value === "object") {
      const fields = Object.entries(value).filter(([, field]) => field !== undefined);
      return new Map(fields.map(([key, field]) => [key, fromJavaScript(field, meter)]));
    }
  } finally {
    meter.leave();
  }
  throw new TemplateError(`chat template: cannot use a ${typeof value} as a value`);
}
