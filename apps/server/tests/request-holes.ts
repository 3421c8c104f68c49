import { z } from "zod";

/** What is read of a JSON schema. */
type Schema = {
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly examples?: readonly unknown[];
  readonly type?: string | readonly string[];
  readonly minimum?: number;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly items?: Schema;
  readonly anyOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
};

/** A request in which one place, `field`, is open for any JSON. */
export type RequestHole = { readonly field: string; with(json: string): string };

const mark = "\u0000hole";
const strangers = ["surprise", "__proto__", "constructor"];

/** Every place of a request that its schema knows, and in each object some that it does not. `base`: a request that is good. */
export function requestHoles(schema: z.ZodType, base: object): readonly RequestHole[] {
  const root = z.toJSONSchema(schema, { unrepresentable: "any" }) as Schema;
  const holes = new Map<string, RequestHole>();
  for (const [field, body] of open(root, "", (value) => ({ ...base, ...(value as object) }), {})) {
    const text = JSON.stringify(body);
    holes.set(text, { field, with: (json) => text.replace(JSON.stringify(mark), () => json) });
  }
  return [...holes.values()];
}

function* open(
  schema: Schema,
  at: string,
  wrap: (value: unknown) => unknown,
  own: object = sample(schema) as object,
): Generator<readonly [string, unknown]> {
  for (const each of [...(schema.anyOf ?? []), ...(schema.oneOf ?? [])]) yield* open(each, at, wrap);
  if (schema.items) yield* open(schema.items, `${at}[]`, (value) => wrap([value]));
  if (!schema.properties) return;
  for (const name of [...Object.keys(schema.properties), ...strangers]) {
    const field = at === "" ? name : `${at}.${name}`;
    const put = (value: unknown) => wrap({ ...own, [name]: value });
    yield [field, put(mark)];
    const inner = Object.hasOwn(schema.properties, name) ? schema.properties[name] : undefined;
    if (inner) yield* open(inner, field, put);
  }
}

/** The least that a schema takes. */
function sample(schema: Schema): unknown {
  if (schema.examples) return schema.examples[0];
  if (schema.const !== undefined) return schema.const;
  if (schema.enum) return schema.enum[0];
  const alternative = schema.anyOf?.[0] ?? schema.oneOf?.[0];
  if (alternative) return sample(alternative);
  switch (schema.type) {
    case "object": {
      const properties = schema.properties ?? {};
      return Object.fromEntries((schema.required ?? []).map((name) => [name, sample(properties[name]!)]));
    }
    case "array":
      return [sample(schema.items ?? {})];
    case "integer":
    case "number":
      return schema.minimum ?? 1;
    case "boolean":
      return true;
    default:
      return "a";
  }
}
