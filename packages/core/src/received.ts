import { inspect } from "node:util";

const options = {
  depth: 1,
  breakLength: Number.POSITIVE_INFINITY,
  customInspect: false,
  maxStringLength: 60,
};

/** What came from outside, for a message: at most about 60 characters, and runs none of its code. */
export function received(value: unknown): string {
  const text = typeof value === "string" ? JSON.stringify(value) : inspect(value, options);
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}
