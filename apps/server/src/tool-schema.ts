import type { Tool } from "./tool-fields.ts";

type Schema = Readonly<Record<string, unknown>>;

/** The schema of one call of one of these tools, or of a list of them: `{"name", "arguments"}`, as the parser reads it. */
export function toolSchema(tools: readonly Tool[], list: boolean): Schema {
  const base = list ? "#/items" : "#";
  const one =
    tools.length === 1
      ? callSchema(tools[0]!, base)
      : { anyOf: tools.map((tool, at) => callSchema(tool, `${base}/anyOf/${at}`)) };
  return list ? { type: "array", items: one, minItems: 1 } : one;
}

/** Where the engine's errors have each tool's parameters, and where the client wrote them. `all`: the request's tools. */
export function parameterPaths(
  tools: readonly Tool[],
  list: boolean,
  all: readonly Tool[],
): Readonly<Record<string, string>> {
  const base = list ? "format.schema.items" : "format.schema";
  const paths = tools.map((tool, at) => [
    `${base}${tools.length === 1 ? "" : `.anyOf[${at}]`}.properties.arguments`,
    `tools[${all.indexOf(tool)}].function.parameters`,
  ]);
  return { "format.schema": "tools", ...Object.fromEntries(paths) };
}

function callSchema({ function: { name, parameters } }: Tool, place: string): Schema {
  return {
    type: "object",
    properties: {
      name: { const: name },
      arguments: parameters ? moved(parameters, `${place}/properties/arguments`) : noArguments,
    },
    required: ["name", "arguments"],
    additionalProperties: false,
  };
}

const noArguments: Schema = { type: "object", properties: {}, additionalProperties: false };

/** The schema with its references to itself turned to the place where it stands now. */
function moved(schema: Schema, place: string): Schema {
  return Object.fromEntries(
    Object.entries(schema).map(([key, value]) => [
      key,
      key === "$ref" && typeof value === "string" && value.startsWith("#")
        ? `${place}${value.slice(1)}`
        : movedValue(value, place),
    ]),
  );
}

function movedValue(value: unknown, place: string): unknown {
  if (Array.isArray(value)) return value.map((each) => movedValue(each, place));
  return typeof value === "object" && value !== null ? moved(value as Schema, place) : value;
}
