import type { Spread } from "../spread.ts";

/** For tables: three digits that matter, and none beyond whole numbers. */
export function shown(value: number): string {
  const digits = value === 0 ? 0 : Math.max(0, 2 - Math.floor(Math.log10(Math.abs(value))));
  return value.toLocaleString("en", { minimumFractionDigits: digits, maximumFractionDigits: digits });
}

/** A ratio: `2.91x`. */
export function times(value: number): string {
  return `${shown(value)}x`;
}

/** The median, and in brackets the lowest and the highest where there are several samples. */
export function shownSpread({ median, low, high, samples }: Spread, show: (value: number) => string): string {
  return samples.length < 2 ? show(median) : `${show(median)} (${show(low)}-${show(high)})`;
}

/** Words joined as a sentence has them. */
export function listed(words: readonly string[]): string {
  if (words.length < 2) return words.join("");
  return `${words.slice(0, -1).join(", ")} and ${words.at(-1)}`;
}

const units = ["B", "KiB", "MiB", "GiB", "TiB"];

/** Bytes for people. */
export function shownBytes(bytes: number): string {
  const power = bytes < 1 ? 0 : Math.min(units.length - 1, Math.floor(Math.log2(bytes) / 10));
  return `${shown(bytes / 1024 ** power)} ${units[power]}`;
}
