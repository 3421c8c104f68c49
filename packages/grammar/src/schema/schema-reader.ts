import { GrammarError } from "../grammar-error.ts";
import type { JsonObject, JsonValue } from "../json-format.ts";
import type { ReferenceRule, Rule } from "../rule.ts";
import { pathOf } from "../schema-path.ts";
import { areDisjoint } from "./disjoint.ts";
import type { GrammarRules } from "./grammar-rules.ts";
import { schemasOf } from "./keyword-value.ts";
import { type TypeName, typeNames } from "./keywords.ts";
import { literalsRule } from "./literals-rule.ts";
import { arrayRule, objectRule } from "./nested-rules.ts";
import type { Place } from "./pointer.ts";
import { numberRule, stringRule } from "./scalar-rules.ts";
import { SchemaParts } from "./schema-parts.ts";
import { typesOf } from "./schema-types.ts";

interface Unread extends Place {
  readonly rule: ReferenceRule;
}

/** Turns a schema into rules; whatever is valid by the rules is valid by the schema. */
export class SchemaReader {
  readonly rules: GrammarRules;
  readonly #parts: SchemaParts;
  readonly #unread: Unread[] = [];
  readonly #references = new Map<string, ReferenceRule>();
  readonly #merged = new Map<string, ReferenceRule>();

  constructor(root: JsonValue, rules: GrammarRules) {
    this.rules = rules;
    this.#parts = new SchemaParts(root);
  }

  /** The rule of the whole schema. Throws `GrammarError`. */
  read(): Rule {
    const rule = this.rule(this.#parts.root, "schema");
    // What is referred to is read one after the other, not inside of each other, however long the chain.
    for (let next = this.#unread.pop(); next !== undefined; next = this.#unread.pop()) {
      next.rule.target = this.rule(next.schema, next.path);
    }
    return rule;
  }

  /** The rule of one schema in it. */
  rule(schema: JsonValue, path: string): Rule {
    this.rules.work.check();
    if (typeof schema === "object" && schema !== null && "$ref" in schema) {
      const { $ref } = schema as JsonObject;
      // Beside a reference there are often annotations only; then everybody shares its rule.
      if (typeof $ref === "string" && isBare(this.#parts, schema as JsonObject, path))
        return this.#reference($ref, path);
    }
    const flat = this.#parts.flat(schema, path);
    if (typeof flat === "boolean") return flat ? this.rules.anyValue() : this.rules.choice([]);
    const isMerged = typeof schema === "object" && schema !== null && ("$ref" in schema || "allOf" in schema);
    return isMerged ? this.#later(flat, path) : this.#flatRule(flat, path);
  }

  #flatRule(schema: JsonObject, path: string): Rule {
    for (const keyword of ["anyOf", "oneOf"] as const) {
      const alternatives = schemasOf(schema, keyword, path);
      if (alternatives === undefined) continue;
      const { [keyword]: _, ...others } = schema;
      if (keyword === "oneOf") this.#checkDisjoint(alternatives, pathOf(path, keyword));
      const rules = alternatives.map((alternative, index) => {
        const at = pathOf(pathOf(path, keyword), index);
        if (Object.keys(others).length === 0) return this.rule(alternative, at);
        const merged = this.#parts.merged(others, this.#parts.flat(alternative, at), at);
        return typeof merged === "boolean" ? this.rule(merged, at) : this.#later(merged, at);
      });
      return this.rules.choice(rules);
    }
    if ("enum" in schema || "const" in schema) return literalsRule(this.rules, schema, path);
    const types = typesOf(schema, path);
    if (types === undefined) return this.rules.anyValue();
    const named = typeNames.filter((name) => types.has(name));
    return this.rules.choice(named.map((name) => this.#typeRule(name, schema, path)));
  }

  #typeRule(name: TypeName, schema: JsonObject, path: string): Rule {
    switch (name) {
      case "object":
        return objectRule(this, schema, path);
      case "array":
        return arrayRule(this, schema, path);
      case "string":
        return stringRule(this.rules, schema, path);
      case "number":
      case "integer":
        return numberRule(this.rules, schema, path, name === "integer");
      case "boolean":
        return this.rules.choice(["true", "false"].map((text) => this.rules.text(text)));
      case "null":
        return this.rules.text("null");
    }
  }

  #reference(reference: string, path: string): Rule {
    const known = this.#references.get(reference);
    if (known !== undefined) return known;
    const rule = this.rules.reference();
    this.#references.set(reference, rule);
    this.#unread.push({ rule, ...this.#parts.resolved(reference, path) });
    return rule;
  }

  /** Merged schemas may lead to themselves, as references do, so that each is read once. */
  #later(schema: JsonObject, path: string): Rule {
    const text = JSON.stringify(schema);
    const known = this.#merged.get(text);
    if (known !== undefined) return known;
    const rule = this.rules.reference();
    this.#merged.set(text, rule);
    this.#unread.push({ rule, schema, path });
    return rule;
  }

  /** Several alternatives may be read at once, so that one of them alone is not enough where they overlap. */
  #checkDisjoint(alternatives: readonly JsonValue[], path: string): void {
    const flatten = (schema: JsonValue, at: string) => this.#parts.flat(schema, at);
    alternatives.forEach((alternative, index) => {
      for (let other = 0; other < index; other++) {
        this.rules.work.check();
        if (areDisjoint(alternative, alternatives[other]!, pathOf(path, index), flatten)) continue;
        throw new GrammarError(
          "unsupported-schema",
          `a value may satisfy both ${other} and ${index}: give them different types or a required property with different constants, or use anyOf`,
          path,
        );
      }
    });
  }
}

function isBare(parts: SchemaParts, schema: JsonObject, path: string): boolean {
  const { $ref: _, ...others } = schema;
  const flat = parts.flat(others, path);
  return typeof flat !== "boolean" && Object.keys(flat).length === 0;
}
