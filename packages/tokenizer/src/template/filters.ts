import { TemplateError } from "../errors.ts";
import type { Filter } from "./filter.ts";
import { LIST_FILTERS } from "./list-filters.ts";
import { attribute } from "./members.ts";
import type { Meter } from "./meter.ts";
import { capitalize, join, replace, strip } from "./string-methods.ts";
import { type JsonStyle, toJson, toText } from "./text.ts";
import {
  type Arguments,
  asNumber,
  bind,
  Float,
  int,
  intArgument,
  isList,
  isTrue,
  orElse,
  textArgument,
  Undefined,
  type Value,
} from "./values.ts";

const onText =
  (name: string, map: (text: string) => string): Filter =>
  (value, args, { meter }) => {
    bind(name, args, []);
    const result = map(toText(value, meter));
    meter.text(result.length);
    return result;
  };

const fallback: Filter = (value, args) => {
  const [given, boolean] = bind("default", args, ["default_value", "boolean"]);
  const missing = value instanceof Undefined || (isTrue(boolean ?? false) && !isTrue(value));
  return missing ? orElse(given, "") : value;
};

const htmlEscape = onText("escape", (text) => {
  const entities: Readonly<Record<string, string>> = {
    "&": "&amp;",
    "<": "&lt;",
    ">": "&gt;",
    "'": "&#39;",
    '"': "&#34;",
  };
  return text.replace(/[&<>'"]/g, (char) => entities[char]!);
});

/** Python's `int(text)` and `float(text)`: undefined where the text is no number. */
function parseNumber(text: string): number | undefined {
  const clean = strip(text, undefined, "both").replace(/(?<=\d)_(?=\d)/g, "");
  return /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(clean) ? Number(clean) : undefined;
}

/** Hugging Face's `tojson`: plain `json.dumps`, nothing escaped for HTML. */
const tojson: Filter = (value, args, { meter }) => {
  const names = ["ensure_ascii", "indent", "separators", "sort_keys"];
  const [ensureAscii, indent, separators, sortKeys] = bind("tojson", args, names);
  const style: JsonStyle = {
    indent: undefined,
    itemSeparator: ", ",
    keySeparator: ": ",
    sortKeys: isTrue(sortKeys ?? false),
    ensureAscii: isTrue(ensureAscii ?? false),
  };
  if (indent !== undefined && indent !== null) {
    const width = typeof indent === "string" ? indent.length : Math.max(0, intArgument("tojson", indent, 0));
    meter.text(width);
    style.indent = typeof indent === "string" ? indent : " ".repeat(width);
    style.itemSeparator = ",";
  }
  if (separators !== undefined && separators !== null) {
    if (!isList(separators) || separators.length !== 2)
      throw new TemplateError("tojson: separators: expected two texts");
    [style.itemSeparator, style.keySeparator] = separators.map((each) => textArgument("tojson", each)) as [
      string,
      string,
    ];
  }
  return toJson(value, style, meter);
};

const indent: Filter = (value, args, { meter }) => {
  const [width, first, blank] = bind("indent", args, ["width", "first", "blank"]);
  const text = toText(value, meter);
  const columns = typeof width === "string" ? width.length : Math.max(0, intArgument("indent", width, 4));
  const lines = text.split("\n");
  meter.step(lines.length);
  meter.text(text.length + columns * lines.length);
  const margin = typeof width === "string" ? width : " ".repeat(columns);
  const indented = lines.map((line, i) => {
    if (i === 0) return isTrue(first ?? false) ? margin + line : line;
    return line !== "" || isTrue(blank ?? false) ? margin + line : line;
  });
  return join(indented, "\n", meter);
};

/** Where Jinja2's `title` filter begins a word, unlike Python's method of the name. */
const WORD_BEGINNING = /([-\s({[<]+)/;

const FILTERS: ReadonlyMap<string, Filter> = new Map<string, Filter>([
  ...LIST_FILTERS,
  ["tojson", tojson],
  ["indent", indent],
  ["default", fallback],
  ["d", fallback],
  ["escape", htmlEscape],
  ["e", htmlEscape],
  ["safe", (value) => value],
  ["string", (value, _args, { meter }) => toText(value, meter)],
  ["upper", onText("upper", (text) => text.toUpperCase())],
  ["lower", onText("lower", (text) => text.toLowerCase())],
  ["title", onText("title", (text) => text.split(WORD_BEGINNING).map(capitalize).join(""))],
  ["capitalize", onText("capitalize", capitalize)],
  [
    "trim",
    (value, args, { meter }) => {
      const [chars] = bind("trim", args, ["chars"]);
      const text = toText(value, meter);
      meter.read(text);
      return strip(
        text,
        chars === undefined || chars === null ? undefined : textArgument("trim", chars),
        "both",
      );
    },
  ],
  ["replace", (value, args, { meter }) => replace(toText(value, meter), args, meter)],
  [
    "abs",
    (value) => {
      const number = asNumber(value);
      if (number === undefined) throw new TemplateError("abs: expected a number");
      return value instanceof Float ? new Float(Math.abs(number)) : Math.abs(number);
    },
  ],
  [
    "int",
    (value, args, { meter }) => {
      const [given] = bind("int", args, ["default", "base"]);
      if (typeof value === "string") meter.read(value);
      const number = typeof value === "string" ? parseNumber(value) : asNumber(value);
      return number !== undefined && Number.isFinite(number) ? int(Math.trunc(number)) : orElse(given, 0);
    },
  ],
  [
    "float",
    (value, args, { meter }) => {
      const [given] = bind("float", args, ["default"]);
      if (typeof value === "string") meter.read(value);
      const number = typeof value === "string" ? parseNumber(value) : asNumber(value);
      return number === undefined ? orElse(given, new Float(0)) : new Float(number);
    },
  ],
  [
    "round",
    (value, args) => {
      const [precision, method] = bind("round", args, ["precision", "method"]);
      const number = asNumber(value);
      if (number === undefined) throw new TemplateError("round: expected a number");
      const scale = 10 ** intArgument("round", precision, 0);
      const rounding = { common: roundHalfEven, ceil: Math.ceil, floor: Math.floor }[
        textArgument("round", method ?? "common")
      ];
      if (rounding === undefined) throw new TemplateError("round: method: expected common, ceil or floor");
      return new Float(rounding(number * scale) / scale);
    },
  ],
  ["attr", (value, args, { meter }) => attribute(value, textArgument("attr", args.positional[0]), meter)],
]);

function roundHalfEven(value: number): number {
  const floor = Math.floor(value);
  if (value - floor !== 0.5) return Math.round(value);
  return floor % 2 === 0 ? floor : floor + 1;
}

/** Applies a filter. Throws TemplateError for one that does not exist. */
export function applyFilter(name: string, value: Value, args: Arguments, meter: Meter): Value {
  const filter = FILTERS.get(name);
  if (filter === undefined) throw new TemplateError(`No filter named '${name}'`);
  meter.step();
  if (typeof value === "string") meter.read(value);
  return filter(value, args, { meter, filter: (other, item, rest) => applyFilter(other, item, rest, meter) });
}
