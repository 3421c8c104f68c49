/** What is wrong with a definition, and the field at fault. */
export type Fault = { readonly field: string; readonly message: string };

/** What each field has to be; a policy may be written in JavaScript, where no compiler says so. */
const fields: Readonly<Record<string, "string" | "boolean" | "function" | "object" | "array">> = {
  name: "string",
  signals: "array",
  signalsOnce: "array",
  defaults: "object",
  parameters: "object",
  positions: "string",
  sizesItself: "boolean",
  sharesBy: "string",
  attention: "function",
  merge: "function",
  score: "function",
  allocate: "function",
  profile: "function",
  select: "function",
  // A definition may be the pattern of another.
  parts: "array",
};

const isObject = (value: unknown): boolean =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** Says which field of what was given to `definePolicy` is no field, or of the wrong type. */
export function shapeFault(spec: unknown): Fault | undefined {
  if (!isObject(spec)) return { field: "policy", message: "expected an object." };
  const given = spec as Readonly<Record<string, unknown>>;
  if ("partAt" in given || "forLayers" in given || "allocators" in given)
    return {
      field: "partAt",
      message: "partAt: a combination is made by a wrapper, and not changed afterwards.",
    };
  for (const [field, value] of Object.entries(given)) {
    const type = Object.hasOwn(fields, field) ? fields[field] : undefined;
    if (!type) return { field, message: `${field}: unknown; known are ${Object.keys(fields).join(", ")}.` };
    const isType =
      type === "array" ? Array.isArray(value) : type === "object" ? isObject(value) : typeof value === type;
    if (value !== undefined && !isType)
      return { field, message: `${field}: expected ${type}, received ${typeof value}.` };
  }
  for (const field of ["name", "signals"]) {
    if (given[field] === undefined) return { field, message: `${field}: expected ${fields[field]}.` };
  }
  return undefined;
}
