import { InvalidArgumentError } from "commander";
import { wholeNumber } from "../device-flags.ts";
import { defaultSettings } from "./quality-settings.ts";

/** Reads a list with a comma between from a command line. */
export const list =
  <T>(read: (text: string) => T) =>
  (text: string): readonly T[] =>
    text.split(",").map((part) => read(part.trim()));

/** Reads a name of a policy. */
export function name(text: string): string {
  if (text) return text;
  throw new InvalidArgumentError("Expected names with a comma between.");
}

/** Reads what a head keeps. */
export function budget(text: string): number {
  const value = Number(text);
  if ((value > 0 && value <= 1) || (Number.isInteger(value) && value >= 2)) return value;
  throw new InvalidArgumentError("Expected shares up to 1, or whole numbers of tokens from 2.");
}

/** Reads layers to protect: `none` or a list. */
export const layers = (text: string): readonly number[] =>
  text === "none" ? [] : list(wholeNumber(0, 65_535))(text);

/** Reads sets of protected layers: `both`, `none` or a list. */
export function protection(text: string): readonly (readonly number[])[] {
  if (text === "both") return defaultSettings.protect;
  return [layers(text)];
}
