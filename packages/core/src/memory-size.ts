import os from "node:os";
import { EngineError } from "./engine-error.ts";
import { received } from "./received.ts";

const units: Readonly<Record<string, number>> = {
  "": 1,
  b: 1,
  k: 1e3,
  kb: 1e3,
  m: 1e6,
  mb: 1e6,
  g: 1e9,
  gb: 1e9,
  t: 1e12,
  tb: 1e12,
  kib: 2 ** 10,
  mib: 2 ** 20,
  gib: 2 ** 30,
  tib: 2 ** 40,
};

/** Bytes of `512MiB`, `2GB`, `1000000` or a number. Throws `invalid-options` naming `param`. */
export function parseBytes(size: number | string, param: string): number {
  const match = /^\s*(\d+(?:\.\d+)?)\s*([a-z]*)\s*$/i.exec(
    typeof size === "number" ? String(size) : typeof size === "string" ? size : "",
  );
  const unit = match && units[match[2]!.toLowerCase()];
  const bytes = match && unit ? Math.floor(Number(match[1]) * unit) : Number.NaN;
  if (!Number.isSafeInteger(bytes) || bytes <= 0) {
    throw new EngineError(
      "invalid-options",
      `${param}: expected bytes as a positive number or like 512MiB, received ${received(size)}`,
      param,
    );
  }
  return bytes;
}

/** Bytes that this process may still take, container limits included. */
export function freeMemory(): number {
  return process.availableMemory?.() ?? os.freemem();
}

/** `1.5 GiB`, for people. */
export function formatBytes(bytes: number): string {
  const names = ["B", "KiB", "MiB", "GiB", "TiB"];
  const power = Math.min(names.length - 1, Math.max(0, Math.floor(Math.log2(Math.max(bytes, 1)) / 10)));
  const value = bytes / 1024 ** power;
  return `${power === 0 ? value : value.toFixed(value < 10 ? 2 : 1)} ${names[power]}`;
}
