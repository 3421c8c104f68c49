import { TemplateError } from "../errors.ts";
import type { Meter } from "./meter.ts";
import {
  Callable,
  type Dict,
  Float,
  isDict,
  isList,
  Namespace,
  typeName,
  Undefined,
  type Value,
} from "./values.ts";

/** What `{{ value }}` prints: Python's `str`. */
export function toText(value: Value, meter: Meter): string {
  if (typeof value === "string") return value;
  if (value instanceof Undefined) return "";
  return repr(value, meter);
}

/** Python's `repr`. */
export function repr(value: Value, meter: Meter): string {
  const text = build(meter, (write) => writeRepr(value, meter, write));
  meter.text(text.length);
  return text;
}

type Write = (text: string) => void;

/** Joins what `fill` writes, paying for each part at once so that shared values cannot blow it up. */
function build(meter: Meter, fill: (write: Write) => void): string {
  const parts: string[] = [];
  let length = 0;
  fill((text) => {
    meter.step(1 + Math.ceil(text.length / 64));
    length += text.length;
    if (length > meter.limits.textLength) meter.text(length);
    parts.push(text);
  });
  return parts.join("");
}

function writeRepr(value: Value, meter: Meter, write: Write): void {
  const entries = isList(value)
    ? value
    : value instanceof Namespace
      ? value.values
      : isDict(value)
        ? value
        : undefined;
  if (entries === undefined) {
    write(plainRepr(value));
    return;
  }
  meter.enter();
  write(isList(value) ? "[" : value instanceof Namespace ? "<Namespace {" : "{");
  let first = true;
  for (const entry of entries) {
    if (!first) write(", ");
    first = false;
    if (isList(value)) {
      writeRepr(entry as Value, meter, write);
    } else {
      const [key, item] = entry as readonly [Value, Value];
      writeRepr(key, meter, write);
      write(": ");
      writeRepr(item, meter, write);
    }
  }
  write(isList(value) ? "]" : value instanceof Namespace ? "}>" : "}");
  meter.leave();
}

function plainRepr(value: Value): string {
  if (value === null) return "None";
  if (typeof value === "boolean") return value ? "True" : "False";
  if (typeof value === "string") return quote(value);
  if (value instanceof Float) return floatText(value.value);
  if (value instanceof Undefined) return "Undefined";
  if (value instanceof Callable) return `<function ${value.name}>`;
  return String(value);
}

const ESCAPES: Readonly<Record<string, string>> = { "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t" };

/** A string in Python's quotes: double ones only where it has single ones and no double ones. */
function quote(text: string): string {
  const mark = text.includes("'") && !text.includes('"') ? '"' : "'";
  const escaped = text.replace(/[\\\n\r\t]|\p{Cc}/gu, (char) => {
    return ESCAPES[char] ?? `\\x${char.charCodeAt(0).toString(16).padStart(2, "0")}`;
  });
  return mark + (mark === "'" ? escaped.replaceAll("'", "\\'") : escaped) + mark;
}

/** Python's shortest text of a float. */
export function floatText(value: number): string {
  if (Number.isNaN(value)) return "nan";
  if (!Number.isFinite(value)) return value > 0 ? "inf" : "-inf";
  const size = Math.abs(value);
  if (size !== 0 && (size >= 1e16 || size < 1e-4)) {
    return value.toExponential().replace(/e([+-])(\d)$/, "e$10$2");
  }
  if (Object.is(value, -0)) return "-0.0";
  return Number.isInteger(value) ? `${value}.0` : String(value);
}

/** How `tojson` writes. */
export interface JsonStyle {
  /** Text that one level is indented by, or undefined for one line. */
  indent: string | undefined;
  itemSeparator: string;
  keySeparator: string;
  sortKeys: boolean;
  ensureAscii: boolean;
}

/** Python's `json.dumps`. Throws TemplateError for a value that JSON does not have. */
export function toJson(value: Value, style: JsonStyle, meter: Meter): string {
  const text = build(meter, (write) => writeJson(value, style, "\n", meter, write));
  meter.text(text.length);
  return text;
}

function writeJson(value: Value, style: JsonStyle, line: string, meter: Meter, write: Write): void {
  if (!isList(value) && !isDict(value)) {
    write(plainJson(value, style));
    return;
  }
  meter.enter();
  const open = style.indent === undefined ? "" : line + style.indent;
  const entries = isList(value) ? value.map((item) => ["", item] as const) : jsonEntries(value, style);
  write(isList(value) ? "[" : "{");
  for (const [i, [key, item]] of entries.entries()) {
    if (i > 0) write(style.itemSeparator);
    write(open + key);
    writeJson(item, style, open, meter, write);
  }
  if (entries.length > 0 && style.indent !== undefined) write(line);
  write(isList(value) ? "]" : "}");
  meter.leave();
}

function plainJson(value: Value, style: JsonStyle): string {
  if (typeof value === "string") return jsonString(value, style);
  if (value === null || typeof value === "boolean" || typeof value === "number") return String(value);
  if (value instanceof Float) return jsonFloat(value.value);
  throw new TemplateError(`Object of type ${typeName(value)} is not JSON serializable`);
}

function jsonEntries(dict: Dict, style: JsonStyle): (readonly [string, Value])[] {
  const entries = [...dict].map(
    ([key, item]) => [typeof key === "string" ? key : String(key), item] as const,
  );
  if (style.sortKeys) entries.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
  return entries.map(([key, item]) => [jsonString(key, style) + style.keySeparator, item]);
}

function jsonString(text: string, { ensureAscii }: JsonStyle): string {
  const json = JSON.stringify(text);
  if (!ensureAscii) return json;
  return json.replace(/[\u0080-\uffff]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

function jsonFloat(value: number): string {
  if (Number.isFinite(value)) return floatText(value);
  return Number.isNaN(value) ? "NaN" : value > 0 ? "Infinity" : "-Infinity";
}
