import { EngineError } from "./engine-error.ts";
import { received } from "./received.ts";

/** Throws `invalid-request`. */
export function refuse(field: string, expected: string, value: unknown): never {
  throw new EngineError(
    "invalid-request",
    `${field}: expected ${expected}, received ${received(value)}`,
    field,
  );
}
