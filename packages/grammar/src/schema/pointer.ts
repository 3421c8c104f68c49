import { GrammarError } from "../grammar-error.ts";
import { isJsonObject, type JsonValue } from "../json-format.ts";
import { pathOf } from "../schema-path.ts";

/** A part of a schema, and where it is. */
export interface Place {
  readonly schema: JsonValue;
  readonly path: string;
}

/** What a local reference (`#`, `#/$defs/name`) points to; an error names the path of the reference. */
export function resolvedPointer(root: JsonValue, reference: string, path: string): Place {
  if (reference !== "#" && !reference.startsWith("#/")) {
    throw new GrammarError(
      "unsupported-schema",
      "only references within the schema (#/…) are followed",
      path,
    );
  }
  let value: JsonValue | undefined = root;
  let place = "schema";
  for (const part of reference.split("/").slice(1)) {
    const key = decoded(part, path).replaceAll("~1", "/").replaceAll("~0", "~");
    if (isJsonObject(value)) value = Object.hasOwn(value, key) ? value[key] : undefined;
    else if (Array.isArray(value)) value = /^\d{1,6}$/.test(key) ? value[Number(key)] : undefined;
    else value = undefined;
    if (value === undefined) throw new GrammarError("invalid-schema", "points to nothing", path);
    place = pathOf(place, key);
  }
  return { schema: value, path: place };
}

function decoded(part: string, path: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    throw new GrammarError("invalid-schema", "expected percent-encoded text", path);
  }
}
