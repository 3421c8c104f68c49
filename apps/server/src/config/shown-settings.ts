import type { Setting } from "./settings.ts";

const secrets = new Set(["api-key", "admin-key", "cache-secret"]);

/** For people and logs: secrets are masked; null where nothing was said. */
function shownValue({ name, value }: Setting): unknown {
  if (value === undefined) return null;
  if (!secrets.has(name)) return value;
  return Array.isArray(value) ? value.map(() => "***") : "***";
}

/** `{"port": {"value": 8080, "from": "default"}, ...}`. */
export function settingsObject(settings: readonly Setting[]): object {
  return Object.fromEntries(
    settings.map((setting) => [setting.name, { value: shownValue(setting), from: setting.from }]),
  );
}

/** `port  8080  default`, one setting a line. */
export function settingsTable(settings: readonly Setting[]): readonly string[] {
  const rows = settings.map((setting) => [setting.name, text(shownValue(setting)), setting.from] as const);
  const width = (column: 0 | 1) => Math.max(0, ...rows.map((row) => row[column].length));
  const [names, values] = [width(0), width(1)];
  return rows.map(([name, value, from]) => `${name.padEnd(names)}  ${value.padEnd(values)}  ${from}`);
}

function text(value: unknown): string {
  if (value === null) return "-";
  return Array.isArray(value) ? value.join(" ") : String(value);
}
