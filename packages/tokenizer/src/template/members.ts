import { TemplateError } from "../errors.ts";
import type { Meter } from "./meter.ts";
import { equal } from "./operators.ts";
import { STRING_METHODS } from "./string-methods.ts";
import {
  type Arguments,
  asKey,
  bind,
  Callable,
  type Dict,
  isDict,
  isList,
  Namespace,
  orElse,
  typeName,
  Undefined,
  type Value,
} from "./values.ts";

type DictMethod = (dict: Dict, args: Arguments, meter: Meter) => Value;
type ListMethod = (list: readonly Value[], args: Arguments, meter: Meter) => Value;

const DICT_METHODS: ReadonlyMap<string, DictMethod> = new Map<string, DictMethod>([
  [
    "get",
    (dict, args) => {
      const [key, fallback] = bind("get", args, ["key", "default"]);
      if (key === undefined) throw new TemplateError("get: expected a key");
      return orElse(key instanceof Undefined ? undefined : dict.get(asKey(key)), orElse(fallback, null));
    },
  ],
  [
    "items",
    (dict, args, meter) =>
      listed(
        dict,
        args,
        meter,
        [...dict].map(([key, value]) => [key, value]),
      ),
  ],
  ["keys", (dict, args, meter) => listed(dict, args, meter, [...dict.keys()])],
  ["values", (dict, args, meter) => listed(dict, args, meter, [...dict.values()])],
  ["copy", (dict) => dict],
]);

function listed(dict: Dict, args: Arguments, meter: Meter, values: Value[]): Value {
  bind("a method of dict", args, []);
  meter.step(2 * dict.size);
  return values;
}

const LIST_METHODS: ReadonlyMap<string, ListMethod> = new Map<string, ListMethod>([
  [
    "index",
    (list, args, meter) => {
      const [wanted] = bind("index", args, ["value"]);
      const at = list.findIndex((item) => equal(item, wanted ?? null, meter));
      if (at < 0) throw new TemplateError("index: the value is not in the list");
      return at;
    },
  ],
  [
    "count",
    (list, args, meter) => {
      const [wanted] = bind("count", args, ["value"]);
      return list.filter((item) => equal(item, wanted ?? null, meter)).length;
    },
  ],
]);

/** What would change a list or a dict, which Hugging Face's sandbox refuses as well. */
const MUTATORS = new Set([
  "append",
  "extend",
  "insert",
  "pop",
  "remove",
  "clear",
  "update",
  "setdefault",
  "sort",
  "reverse",
]);

/** `value.name`: a method or attribute first, then an item of a dict. Undefined where there is neither. */
export function attribute(value: Value, name: string, meter: Meter): Value {
  if (value instanceof Undefined) throw new TemplateError(`${value.what} is undefined`);
  if (value instanceof Namespace) return orElse(value.values.get(name), missing(value, name));
  const method = methodOf(value, name, meter);
  if (method !== undefined) return method;
  if (isDict(value) && value.has(name)) return value.get(name)!;
  if ((isDict(value) || isList(value)) && MUTATORS.has(name)) {
    return new Callable(name, () => {
      throw new TemplateError(`${typeName(value)}.${name}: lists and dicts cannot be changed`);
    });
  }
  return missing(value, name);
}

function methodOf(value: Value, name: string, meter: Meter): Callable | undefined {
  if (typeof value === "string") {
    const method = STRING_METHODS.get(name);
    return method && new Callable(name, (args) => method(value, args, meter));
  }
  if (isDict(value)) {
    const method = DICT_METHODS.get(name);
    return method && new Callable(name, (args) => method(value, args, meter));
  }
  if (isList(value)) {
    const method = LIST_METHODS.get(name);
    return method && new Callable(name, (args) => method(value, args, meter));
  }
  return undefined;
}

/** `value[key]`: an item first, then an attribute. Undefined where there is neither. */
export function item(value: Value, key: Value, meter: Meter): Value {
  if (value instanceof Undefined) throw new TemplateError(`${value.what} is undefined`);
  if (key instanceof Undefined) return missing(value, key.what);
  if (isDict(value)) {
    const found = isList(key) || isDict(key) ? undefined : value.get(asKey(key));
    if (found !== undefined) return found;
  }
  if (typeof key === "number" || typeof key === "boolean") {
    const at = Number(key);
    if (isList(value)) return orElse(value.at(at), missing(value, String(at)));
    if (typeof value === "string") return codePoint(value, at, meter) ?? missing(value, String(at));
  }
  return typeof key === "string" ? attribute(value, key, meter) : missing(value, typeName(key));
}

function codePoint(text: string, at: number, meter: Meter): string | undefined {
  meter.read(text);
  if (!/[\ud800-\udfff]/.test(text)) return text.at(at);
  meter.step(text.length);
  return Array.from(text).at(at);
}

function missing(value: Value, name: string): Undefined {
  return new Undefined(`'${typeName(value)} object' has no attribute '${name}', which`);
}

/** `value.attribute.path` of a filter's `attribute` argument: names and indices with dots. */
export function path(value: Value, attributes: Value, meter: Meter): Value {
  if (typeof attributes === "number") return item(value, attributes, meter);
  if (typeof attributes !== "string") throw new TemplateError("attribute: expected a str or an int");
  let reached = value;
  for (const part of attributes.split(".")) {
    meter.step();
    reached = item(reached, /^\d+$/.test(part) ? Number(part) : part, meter);
  }
  return reached;
}
