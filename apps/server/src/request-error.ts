import type { z } from "zod";
import { ApiError } from "./api-error.ts";
import { snakeCase } from "./kv-cache-field.ts";

type Body = Readonly<Record<string, unknown>>;

/** What people write who come from another API. */
const renamed: Readonly<Record<string, string>> = {
  n_predict: "max_tokens",
  num_predict: "max_tokens",
  max_new_tokens: "max_tokens",
  repeat_penalty: "repetition_penalty",
  stop_sequences: "stop",
};

/** Parses a body by a schema made of field.ts; throws a 400 that names the first wrong field and its value. */
export function parseBody<S extends z.ZodType>(schema: S, body: Body): z.infer<S> {
  // Zod's objects pass over this one key, which JSON.parse makes a field like any other.
  if (Object.hasOwn(body, "__proto__")) throw unknownField("__proto__");
  checkCount(body);
  const result = schema.safeParse(body);
  if (result.success) return result.data;
  throw toError(result.error.issues[0]!, body);
}

/** A 400 for a field that is well-formed but does not go with the others, or names something absent. */
export function invalidValue(param: string, message: string): ApiError {
  return new ApiError(400, "invalid_value", `${param}: ${message}`, { param });
}

/** A 400 for a field that only another field's value makes necessary. */
export function missingValue(param: string, expected: string): ApiError {
  return new ApiError(400, "missing_required_parameter", `${param}: expected ${expected}, received nothing`, {
    param,
  });
}

/** Fields that hold token ids or texts by the thousand, and are checked in one pass. */
const bulkFields = ["prompt", "input", "tokens"];

/** Values in a body besides those fields; each costs the schema's time, and its memory if it is wrong. */
const maxValues = 20_000;

function checkCount(body: Body): void {
  let count = 0;
  const left: unknown[] = [];
  for (const [name, field] of Object.entries(body)) {
    if (bulkFields.includes(name)) continue;
    left.push(field);
    while (left.length > 0) {
      const value = left.pop();
      count += 1;
      const inner = typeof value === "object" && value !== null ? Object.values(value) : [];
      if (count + inner.length > maxValues) {
        throw invalidValue(name.slice(0, 80), `the request has more than ${maxValues} values up to here`);
      }
      for (const each of inner) left.push(each);
    }
  }
}

function toError(issue: z.core.$ZodIssue, body: Body): ApiError {
  const path = [...issue.path];
  if (issue.code === "unrecognized_keys") return unknownField(paramOf([...path, issue.keys[0]!]));
  // A wrong key of a record is the record's fault: a key may be as long as the body.
  if (issue.code === "invalid_key") path.pop();
  const param = paramOf(path);
  const value = path.reduce<unknown>(
    (at, key) => (at as Record<PropertyKey, unknown> | undefined)?.[key],
    body,
  );
  if (issue.code === "custom" && issue.params?.unsupported === true) {
    const message = `${param}: ${issue.message}, received ${shown(value)}`;
    return new ApiError(400, "unsupported_parameter", message, { param });
  }
  const expected = issue.code === "invalid_key" ? issue.issues[0]!.message : issue.message;
  if (value === undefined) return missingValue(param, expected);
  return invalidValue(param, `expected ${expected}, received ${shown(value)}`);
}

function unknownField(name: string): ApiError {
  const param = name.slice(0, 80);
  const meant = Object.hasOwn(renamed, param) ? renamed[param] : ofPolicy(param);
  const hint = meant === undefined ? "" : `; did you mean ${meant}?`;
  return new ApiError(400, "unknown_parameter", `${param}: unknown field${hint}`, { param });
}

/** A policy's option as its source has it, and not as JSON here has it. */
function ofPolicy(param: string): string | undefined {
  return /^kv_cache\.[a-z]+[A-Z][a-zA-Z]*$/.test(param) ? snakeCase(param) : undefined;
}

/** `messages[0].content`, as OpenAI writes it. */
function paramOf(path: readonly PropertyKey[]): string {
  return path
    .map((key, at) => (typeof key === "number" ? `[${key}]` : `${at === 0 ? "" : "."}${String(key)}`))
    .join("");
}

/** Short for any value: a hostile one may be as large as the body. */
function shown(value: unknown): string {
  if (typeof value === "string") {
    return value.length <= 40 ? JSON.stringify(value) : `a string of ${value.length} characters`;
  }
  if (Array.isArray(value)) return `an array of ${value.length}`;
  return typeof value === "object" && value !== null ? "an object" : String(value);
}
