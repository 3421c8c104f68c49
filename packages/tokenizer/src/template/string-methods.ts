import { TemplateError } from "../errors.ts";
import type { Meter } from "./meter.ts";
import { toText } from "./text.ts";
import { type Arguments, bind, intArgument, isList, itemsOf, textArgument, type Value } from "./values.ts";

type Method = (text: string, args: Arguments, meter: Meter) => Value;

/** What Python counts as white space, which is not what JavaScript's trim does. */
const SPACE = "\\t-\\r\\x1c-\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000";
const LINE_ENDS = "\\n-\\r\\x1c-\\x1e\\x85\\u2028\\u2029";
const LINE_END = new RegExp(`\\r\\n|[${LINE_ENDS}]`);
const SPACE_CHAR = new RegExp(`^[${SPACE}]$`);
const SPACES = new RegExp(`[${SPACE}]+`, "g");

/** Python's `str.strip` and its one-sided kin: takes off white space, or any of the code points of `chars`. */
export function strip(text: string, chars: string | undefined, sides: "both" | "left" | "right"): string {
  const set = chars === undefined ? undefined : new Set(chars);
  const goes = (char: string) => (set === undefined ? SPACE_CHAR.test(char) : set.has(char));
  let start = 0;
  let end = text.length;
  while (sides !== "right" && start < end) {
    const char = String.fromCodePoint(text.codePointAt(start)!);
    if (!goes(char)) break;
    start += char.length;
  }
  while (sides !== "left" && end > start) {
    const low = end >= 2 && text.codePointAt(end - 2)! > 0xffff;
    const char = text.slice(low ? end - 2 : end - 1, end);
    if (!goes(char)) break;
    end -= char.length;
  }
  return text.slice(start, end);
}

const stripper =
  (name: string, sides: "both" | "left" | "right"): Method =>
  (text, args, meter) => {
    const [chars] = bind(name, args, ["chars"]);
    meter.read(text);
    return strip(text, chars === undefined || chars === null ? undefined : textArgument(name, chars), sides);
  };

/** Python's `str.replace`, which the filter is as well. */
export function replace(text: string, args: Arguments, meter: Meter): string {
  const [from, to, count] = bind("replace", args, ["old", "new", "count"]);
  const old = textArgument("replace", from);
  const fresh = textArgument("replace", to);
  const most = intArgument("replace", count, -1);
  meter.search(text, old);
  const pieces = old === "" ? ["", ...text, ""] : text.split(old);
  meter.step(pieces.length);
  const times = most < 0 ? pieces.length - 1 : Math.min(most, pieces.length - 1);
  meter.text(text.length + times * Math.max(0, fresh.length - old.length));
  if (old === "" && times < pieces.length - 1)
    return pieces.slice(0, times).join(fresh) + fresh + pieces.slice(times).join("");
  return [...pieces.slice(0, times), pieces.slice(times).join(old)].join(fresh);
}

/** Python's `str.title`: a capital wherever a word of letters begins. */
export function title(text: string): string {
  return text.replace(/\p{L}+/gu, capitalize);
}

/** Python's `str.capitalize`: a capital first, small letters after it. */
export function capitalize(text: string): string {
  const first = text === "" ? "" : String.fromCodePoint(text.codePointAt(0)!);
  return first.toUpperCase() + text.slice(first.length).toLowerCase();
}

const affix =
  (name: string, has: (text: string, affix: string) => boolean): Method =>
  (text, args, meter) => {
    const [wanted] = bind(name, args, ["affix"]);
    const candidates = wanted !== undefined && isList(wanted) ? wanted : [wanted];
    meter.step(candidates.length);
    return candidates.some((candidate) => {
      const one = textArgument(name, candidate);
      meter.read(one);
      return has(text, one);
    });
  };

function split(name: string, fromRight: boolean): Method {
  return (text, args, meter) => {
    const [separator, limit] = bind(name, args, ["sep", "maxsplit"]);
    const most = intArgument(name, limit, -1);
    const isSpace = separator === undefined || separator === null;
    const mark = isSpace ? " " : textArgument(name, separator);
    if (mark === "") throw new TemplateError(`${name}: empty separator`);
    meter.search(text, mark);
    const parts = isSpace
      ? strip(text, undefined, "both")
          .split(SPACES)
          .filter((part) => part !== "")
      : text.split(mark);
    meter.step(parts.length);
    if (most < 0 || parts.length - 1 <= most) return parts;
    if (isSpace) throw new TemplateError(`${name}: maxsplit without sep is not supported`);
    if (fromRight)
      return [parts.slice(0, parts.length - most).join(mark), ...parts.slice(parts.length - most)];
    return [...parts.slice(0, most), parts.slice(most).join(mark)];
  };
}

const find =
  (name: string, at: (text: string, part: string) => number): Method =>
  (text, args, meter) => {
    const part = textArgument(name, bind(name, args, ["sub"])[0]);
    meter.search(text, part);
    const index = at(text, part);
    if (index < 0 && name.endsWith("index")) throw new TemplateError(`${name}: substring not found`);
    return index < 0 ? -1 : Array.from(text.slice(0, index)).length;
  };

const check =
  (name: string, pattern: RegExp): Method =>
  (text, args, meter) => {
    bind(name, args, []);
    meter.read(text);
    return pattern.test(text);
  };

const mapped =
  (name: string, map: (text: string) => string): Method =>
  (text, args, meter) => {
    bind(name, args, []);
    const result = map(text);
    meter.text(result.length);
    return result;
  };

/** Methods of Python's `str` that templates use. */
export const STRING_METHODS: ReadonlyMap<string, Method> = new Map<string, Method>([
  ["strip", stripper("strip", "both")],
  ["lstrip", stripper("lstrip", "left")],
  ["rstrip", stripper("rstrip", "right")],
  ["upper", mapped("upper", (text) => text.toUpperCase())],
  ["lower", mapped("lower", (text) => text.toLowerCase())],
  ["title", mapped("title", title)],
  ["capitalize", mapped("capitalize", capitalize)],
  ["startswith", affix("startswith", (text, part) => text.startsWith(part))],
  ["endswith", affix("endswith", (text, part) => text.endsWith(part))],
  ["split", split("split", false)],
  ["rsplit", split("rsplit", true)],
  ["replace", replace],
  ["find", find("find", (text, part) => text.indexOf(part))],
  ["rfind", find("rfind", (text, part) => text.lastIndexOf(part))],
  ["index", find("index", (text, part) => text.indexOf(part))],
  ["isdigit", check("isdigit", /^\p{Nd}+$/u)],
  ["isalpha", check("isalpha", /^\p{L}+$/u)],
  ["isalnum", check("isalnum", /^[\p{L}\p{N}]+$/u)],
  ["isspace", check("isspace", new RegExp(`^[${SPACE}]+$`))],
  ["isupper", check("isupper", /^\P{Ll}*\p{Lu}\P{Ll}*$/u)],
  ["islower", check("islower", /^\P{Lu}*\p{Ll}\P{Lu}*$/u)],
  [
    "count",
    (text, args, meter) => {
      const part = textArgument("count", bind("count", args, ["sub"])[0]);
      meter.search(text, part);
      meter.step(Math.ceil(text.length / Math.max(1, part.length)));
      return text.split(part).length - 1;
    },
  ],
  [
    "splitlines",
    (text, args, meter) => {
      bind("splitlines", args, []);
      meter.step(text.length);
      const lines = text.split(LINE_END);
      return lines.at(-1) === "" ? lines.slice(0, -1) : lines;
    },
  ],
  [
    "join",
    (text, args, meter) => {
      const items = itemsOf(bind("join", args, ["iterable"])[0] ?? null, meter);
      return join(
        items.map((item) => textArgument("join", item)),
        text,
        meter,
      );
    },
  ],
  [
    "removeprefix",
    (text, args) => {
      const part = textArgument("removeprefix", bind("removeprefix", args, ["prefix"])[0]);
      return text.startsWith(part) ? text.slice(part.length) : text;
    },
  ],
  [
    "removesuffix",
    (text, args) => {
      const part = textArgument("removesuffix", bind("removesuffix", args, ["suffix"])[0]);
      return part !== "" && text.endsWith(part) ? text.slice(0, -part.length) : text;
    },
  ],
  ["format", format],
]);

/** Joins texts, after paying for the result. */
export function join(texts: readonly string[], separator: string, meter: Meter): string {
  meter.step(texts.length);
  const length = texts.reduce((sum, text) => sum + text.length, 0);
  meter.text(length + separator.length * Math.max(0, texts.length - 1));
  return texts.join(separator);
}

/** `"{} {name}".format(...)`, without format specifications. */
function format(text: string, args: Arguments, meter: Meter): string {
  meter.read(text);
  let next = 0;
  const parts = text.split(/(\{\{|\}\}|\{\w*\})/).map((part) => {
    if (part === "{{" || part === "}}") return part[0]!;
    const field = /^\{(\w*)\}$/.exec(part)?.[1];
    if (field === undefined) {
      if (/[{}]/.test(part)) throw new TemplateError("format: only {}, {0} and {name} are supported");
      return part;
    }
    const value = /^\d*$/.test(field)
      ? args.positional[field === "" ? next++ : Number(field)]
      : args.named.get(field);
    if (value === undefined) throw new TemplateError(`format: no argument for {${field}}`);
    return toText(value, meter);
  });
  return join(parts, "", meter);
}
