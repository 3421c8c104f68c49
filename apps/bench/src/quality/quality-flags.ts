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

/** Reads sets of protected layers: `both`, `none` or a list. */
export function protection(text: string): readonly (readonly number[])[] {
  if (text === "both") return defaultSettings.protect;
  return text === "none" ? [[]] : [list(wholeNumber(0, 65_535))(text)];
}
