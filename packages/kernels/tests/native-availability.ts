import { cpuLevels } from "../src/open-device.ts";

/** Suites that need the native binary are skipped where none loads; this is part of their title then. */
export const noNative = cpuLevels().length === 0;

export function needsNative(title: string): string {
  return noNative ? `${title} (skipped: no native binary loads here; npm run build makes one)` : title;
}
