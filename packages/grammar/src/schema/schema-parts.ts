import { GrammarError } from "../grammar-error.ts";
import { isJsonObject, type JsonObject, type JsonValue } from "../json-format.ts";
import { limits } from "../limits.ts";
import { pathOf } from "../schema-path.ts";
import { schemasOf, stringOf } from "./keyword-value.ts";
import { enforcedPart } from "./keywords.ts";
import { mergedSchema } from "./merged-schema.ts";
import { type Place, resolvedPointer } from "./pointer.ts";

/** The parts of a schema document: what references point to, and what several schemas say together. */
export class SchemaParts {
  readonly root: JsonValue;

  constructor(root: JsonValue) {
    this.root = root;
  }

  resolved(reference: string, path: string): Place {
    return resolvedPointer(this.root, reference, pathOf(path, "$ref"));
  }

  /** The schema without annotations, with `$ref` and `allOf` at its top merged into it. Throws `GrammarError`. */
  flat(schema: JsonValue, path: string, depth = 0): JsonObject | boolean {
    if (typeof schema === "boolean") return schema;
    if (!isJsonObject(schema))
      throw new GrammarError("invalid-schema", "expected an object or a boolean", path);
    if (depth > limits.schemaDepth)
      throw new GrammarError("invalid-schema", "it refers to itself without end", path);
    const { $ref, allOf, ...own } = enforcedPart(schema, path);
    const parts: (JsonObject | boolean)[] = [own];
    if ($ref !== undefined) {
      const reference = stringOf({ $ref }, "$ref", path)!;
      const place = this.resolved(reference, path);
      parts.push(this.flat(place.schema, place.path, depth + 1));
    }
    if (allOf !== undefined) {
      schemasOf({ allOf }, "allOf", path)!.forEach((part, index) => {
        parts.push(this.flat(part, pathOf(pathOf(path, "allOf"), index), depth + 1));
      });
    }
    return parts.reduce((all, part) => this.merged(all, part, path));
  }

  merged(a: JsonObject | boolean, b: JsonObject | boolean, path: string): JsonObject | boolean {
    if (a === false || b === false) return false;
    if (a === true) return b;
    return b === true ? a : mergedSchema(a, b, path);
  }
}
