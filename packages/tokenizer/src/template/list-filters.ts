import { TemplateError } from "../errors.ts";
import type { Filter } from "./filter.ts";
import { path } from "./members.ts";
import type { Meter } from "./meter.ts";
import { binary, compare, equal } from "./operators.ts";
import { join } from "./string-methods.ts";
import { runTest } from "./tests.ts";
import { toText } from "./text.ts";
import { bind, isDict, isTrue, itemsOf, orElse, textArgument, Undefined, type Value } from "./values.ts";

/** What a filter sorts or compares by: an attribute if asked, small letters unless case matters. */
function sortKey(
  attribute: Value | undefined,
  caseSensitive: boolean,
  meter: Meter,
): (value: Value) => Value {
  return (value) => {
    const key = attribute === undefined || attribute === null ? value : path(value, attribute, meter);
    if (caseSensitive || typeof key !== "string") return key;
    meter.read(key);
    return key.toLowerCase();
  };
}

function sorted(
  values: readonly Value[],
  key: (value: Value) => Value,
  reverse: boolean,
  meter: Meter,
): Value[] {
  meter.step(values.length);
  const keyed = values.map((value) => ({ value, key: key(value) }));
  const sign = reverse ? -1 : 1;
  return keyed.sort((a, b) => sign * compare(a.key, b.key, meter)).map(({ value }) => value);
}

const extreme =
  (name: string, sign: number): Filter =>
  (value, args, { meter }) => {
    const [caseSensitive, attribute] = bind(name, args, ["case_sensitive", "attribute"]);
    const key = sortKey(attribute, isTrue(caseSensitive ?? false), meter);
    let best: Value | undefined;
    for (const item of itemsOf(value, meter)) {
      if (best === undefined || sign * compare(key(item), key(best), meter) > 0) best = item;
    }
    return orElse(best, new Undefined("the result of an empty list"));
  };

/** select, reject, selectattr and rejectattr. */
const selecting =
  (wanted: boolean, byAttribute: boolean): Filter =>
  (value, args, { meter }) => {
    const positional = [...args.positional];
    const attribute = byAttribute ? positional.shift() : undefined;
    if (byAttribute && attribute === undefined) throw new TemplateError("selectattr: expected an attribute");
    const [test, ...rest] = positional;
    const name = test === undefined ? undefined : textArgument("select", test);
    const items = itemsOf(value, meter);
    meter.step(items.length);
    return items.filter((item) => {
      const tested = attribute === undefined ? item : path(item, attribute, meter);
      return wanted === (name === undefined ? isTrue(tested) : runTest(name, tested, rest, meter));
    });
  };

const length: Filter = (value, _args, { meter }) => {
  if (typeof value === "string") {
    meter.read(value);
    return value.length - (value.match(/[\ud800-\udbff][\udc00-\udfff]/g)?.length ?? 0);
  }
  return isDict(value) ? value.size : itemsOf(value, meter).length;
};

/** Filters of Jinja2 over lists and dicts. */
export const LIST_FILTERS: readonly (readonly [string, Filter])[] = [
  ["length", length],
  ["count", length],
  ["list", (value, _args, { meter }) => itemsOf(value, meter)],
  [
    "first",
    (value, _args, { meter }) => orElse(itemsOf(value, meter)[0], new Undefined("the first item of nothing")),
  ],
  [
    "last",
    (value, _args, { meter }) =>
      orElse(itemsOf(value, meter).at(-1), new Undefined("the last item of nothing")),
  ],
  [
    "reverse",
    (value, _args, { meter }) => {
      const reversed = [...itemsOf(value, meter)].reverse();
      meter.step(reversed.length);
      return typeof value === "string" ? reversed.join("") : reversed;
    },
  ],
  [
    "join",
    (value, args, { meter }) => {
      const [separator, attribute] = bind("join", args, ["d", "attribute"]);
      const texts = itemsOf(value, meter).map((item) => {
        return toText(
          attribute === undefined || attribute === null ? item : path(item, attribute, meter),
          meter,
        );
      });
      return join(texts, toText(separator ?? "", meter), meter);
    },
  ],
  [
    "sort",
    (value, args, { meter }) => {
      const [reverse, caseSensitive, attribute] = bind("sort", args, [
        "reverse",
        "case_sensitive",
        "attribute",
      ]);
      const key = sortKey(attribute, isTrue(caseSensitive ?? false), meter);
      return sorted(itemsOf(value, meter), key, isTrue(reverse ?? false), meter);
    },
  ],
  [
    "dictsort",
    (value, args, { meter }) => {
      const [caseSensitive, by, reverse] = bind("dictsort", args, ["case_sensitive", "by", "reverse"]);
      if (!isDict(value)) throw new TemplateError("dictsort: expected a dict");
      const key = sortKey(by === "value" ? 1 : 0, isTrue(caseSensitive ?? false), meter);
      return sorted(
        [...value].map(([name, item]) => [name, item]),
        key,
        isTrue(reverse ?? false),
        meter,
      );
    },
  ],
  [
    "items",
    (value, _args, { meter }) => {
      if (value instanceof Undefined) return [];
      if (!isDict(value)) throw new TemplateError("items: expected a dict");
      meter.step(2 * value.size);
      return [...value].map(([name, item]) => [name, item]);
    },
  ],
  [
    "unique",
    (value, args, { meter }) => {
      const [caseSensitive, attribute] = bind("unique", args, ["case_sensitive", "attribute"]);
      const key = sortKey(attribute, isTrue(caseSensitive ?? false), meter);
      const seen: Value[] = [];
      return itemsOf(value, meter).filter((item) => {
        const itsKey = key(item);
        if (seen.some((other) => equal(other, itsKey, meter))) return false;
        seen.push(itsKey);
        return true;
      });
    },
  ],
  [
    "map",
    (value, args, context) => {
      const items = itemsOf(value, context.meter);
      context.meter.step(items.length);
      const attribute = args.named.get("attribute");
      if (attribute !== undefined) {
        const fallback = args.named.get("default");
        return items.map((item) => {
          const found = path(item, attribute, context.meter);
          return found instanceof Undefined && fallback !== undefined ? fallback : found;
        });
      }
      const [name, ...positional] = args.positional;
      const filter = textArgument("map", name);
      return items.map((item) => context.filter(filter, item, { positional, named: args.named }));
    },
  ],
  ["select", selecting(true, false)],
  ["reject", selecting(false, false)],
  ["selectattr", selecting(true, true)],
  ["rejectattr", selecting(false, true)],
  ["min", extreme("min", -1)],
  ["max", extreme("max", 1)],
  [
    "sum",
    (value, args, { meter }) => {
      const [attribute, start] = bind("sum", args, ["attribute", "start"]);
      const terms = itemsOf(value, meter).map((item) => {
        return attribute === undefined || attribute === null ? item : path(item, attribute, meter);
      });
      return terms.reduce<Value>((total, term) => binary("+", total, term, meter), start ?? 0);
    },
  ],
];
