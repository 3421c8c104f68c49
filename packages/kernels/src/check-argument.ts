import { KernelError } from "./kernel-error.ts";

/** The largest value of what crosses the C ABI as a 32-bit integer. */
export const maxInt32 = 0x7fffffff;

export function invalidArgument(message: string): never {
  throw new KernelError("invalid-argument", message);
}

export function checkInteger(name: string, value: unknown, min: number, max: number): void {
  if (!Number.isSafeInteger(value) || (value as number) < min || (value as number) > max) {
    invalidArgument(`${name} is ${show(value)}; expected an integer from ${min} to ${max}`);
  }
}

export function checkNumber(
  name: string,
  value: unknown,
  expected: string,
  ok: (x: number) => boolean,
): void {
  if (typeof value !== "number" || !ok(value)) {
    invalidArgument(`${name} is ${show(value)}; expected ${expected}`);
  }
}

export function checkBoolean(name: string, value: unknown): void {
  if (typeof value !== "boolean") invalidArgument(`${name} is ${show(value)}; expected true or false`);
}

/** Every element from `min` to `max`. The scan stays bare: a step's page tables hold millions of ids. */
export function checkElements(name: string, values: Int32Array, min: number, max: number): void {
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!;
    if (value < min || value > max) checkInteger(`${name}[${i}]`, value, min, max);
  }
}

export function checkInt32Array(name: string, value: unknown): void {
  if (!(value instanceof Int32Array)) invalidArgument(`${name} is ${show(value)}; expected an Int32Array`);
}

export function checkObject(name: string, value: unknown): void {
  if (typeof value !== "object" || value === null) {
    invalidArgument(`${name} is ${show(value)}; expected an object`);
  }
}

export function checkOneOf(name: string, value: unknown, expected: readonly string[]): void {
  if (!expected.includes(value as string)) {
    const list = `${expected.slice(0, -1).join(", ")} or ${expected.at(-1)}`;
    invalidArgument(`${name} is ${show(value)}; expected ${list}`);
  }
}

export function checkLength(name: string, length: number, expected: number, why: string): void {
  if (length !== expected) invalidArgument(`${name} has ${length} elements; expected ${expected} (${why})`);
}

function show(value: unknown): string {
  if (value === null) return "null";
  if (typeof value === "string") return JSON.stringify(value);
  if (typeof value === "object") return `a ${value.constructor?.name ?? "object"}`;
  return typeof value === "function" ? "a function" : String(value);
}
