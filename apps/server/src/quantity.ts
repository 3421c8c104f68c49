const units = ["B", "KiB", "MiB", "GiB", "TiB"] as const;

/** Bytes as `512MiB`, `1.5 GiB` or a plain number; undefined for anything else, zero included. */
export function parseBytes(text: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?)\s*(B|KiB|MiB|GiB|TiB)?$/i.exec(text.trim());
  if (match === null) return undefined;
  const unit = units.findIndex((name) => name.toLowerCase() === (match[2] ?? "B").toLowerCase());
  const bytes = Math.floor(Number(match[1]) * 1024 ** unit);
  return bytes >= 1 && Number.isSafeInteger(bytes) ? bytes : undefined;
}

/** `28.3 MiB`: the largest unit that leaves at least 1. */
export function formatBytes(bytes: number): string {
  let unit = 0;
  let value = bytes;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${unit === 0 ? value : value.toFixed(1)} ${units[unit]}`;
}

/** `12,288`. */
export function formatCount(count: number): string {
  return Math.floor(count).toLocaleString("en-US");
}
