import { InvalidArgumentError } from "commander";
import { parseBytes } from "./quantity.ts";

// What turns the text of a flag into its value, or throws what it expected.

export function collect(text: string, before: readonly string[] = []): readonly string[] {
  return [...before, text];
}

export function integer(low: number, high: number): (text: string) => number {
  return (text) => {
    const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
    if (value >= low && value <= high) return value;
    throw new InvalidArgumentError(`Expected an integer from ${low} to ${high}.`);
  };
}

export function budget(text: string): number {
  const value = /^\d*\.?\d+$/.test(text) ? Number(text) : Number.NaN;
  if (value > 0 && (value <= 1 || Number.isSafeInteger(value))) return value;
  throw new InvalidArgumentError("Expected a share above 0 and up to 1, or a whole number of tokens.");
}

export function bytes(text: string): number {
  const value = parseBytes(text);
  if (value !== undefined) return value;
  throw new InvalidArgumentError("Expected a number of bytes, like 536870912 or 512MiB.");
}

export function bytesOrNone(text: string): number {
  return text === "0" ? 0 : bytes(text);
}

export function pageTokens(text: string): 16 | 32 {
  if (text === "16" || text === "32") return text === "16" ? 16 : 32;
  throw new InvalidArgumentError("Expected 16 or 32.");
}

/** From `low` to a day. */
export function seconds(low: number): (text: string) => number {
  return (text) => {
    const value = /^\d*\.?\d+$/.test(text) ? Number(text) : Number.NaN;
    if (value >= low && value <= 86_400) return value;
    throw new InvalidArgumentError(`Expected a number of seconds from ${low} to 86400.`);
  };
}

export function key(text: string): string {
  if (/^[\x21-\x7e]+$/.test(text)) return text;
  throw new InvalidArgumentError("Expected printable ASCII characters without spaces.");
}

export function keys(text: string, before: readonly string[] = []): readonly string[] {
  return [...before, key(text)];
}

export function url(text: string): string {
  if (URL.canParse(text) && /^https?:$/.test(new URL(text).protocol)) return text;
  throw new InvalidArgumentError("Expected a URL that begins with http:// or https://.");
}
