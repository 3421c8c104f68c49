import { policyChecks } from "./conformance.ts";
import { isPolicyDefinition, type PolicyDefinition } from "./definition.ts";
import { markOf } from "./definition-mark.ts";
import { PolicyError } from "./errors.ts";
import { joinPolicies } from "./known-policies.ts";
import { importModule, locateModule } from "./policy-module.ts";

export interface ImportOptions {
  /** The folder that relative paths and packages are looked for from; the current one unless told. */
  readonly from?: string;
  /** Policies loaded before, whose names are taken. */
  readonly others?: readonly PolicyDefinition[];
}

/**
 * Loads policies from outside: all exports of a file (`./my-policy.js`, or an absolute path) or of an installed npm
 * package that `definePolicy` or a wrapper made, the default export first. Each goes through the whole conformance
 * suite, about a second each in small pieces, before it is returned.
 *
 * The module runs with all rights of the process: load only what you trust. The suite finds mistakes, not malice.
 * @throws PolicyError `NOT_FOUND`, `IMPORT_FAILED`, `NO_POLICY`; `INVALID_DEFINITION` for an export that only looks
 * like a policy; `NAME_TAKEN`; `FAILED_CHECK` with the check's name, and what went wrong as its cause
 */
export async function importPolicies(
  specifier: string,
  { from = process.cwd(), others = [] }: ImportOptions = {},
): Promise<readonly PolicyDefinition[]> {
  const exported = await importModule(specifier, await locateModule(specifier, from));
  const found = policiesAmong(specifier, exported);
  joinPolicies(others, found);
  for (const definition of found) {
    if (!others.includes(definition)) await check(definition);
  }
  return found;
}

function policiesAmong(specifier: string, exported: Readonly<Record<string, unknown>>): PolicyDefinition[] {
  const found = new Set<PolicyDefinition>();
  const names = Object.keys(exported).sort((a, b) => Number(b === "default") - Number(a === "default"));
  for (const name of names) {
    const value = exported[name];
    if (isPolicyDefinition(value)) found.add(value);
    else if (markOf(value) === "other version")
      refuse(specifier, name, "was made by a version of @kvasir/kv-policies that goes with another engine");
    else if (looksLikePolicy(value))
      refuse(specifier, name, "looks like a policy, but neither definePolicy nor a wrapper made it");
  }
  if (found.size > 0) return [...found];
  const shown = names.length > 0 ? `it exports ${names.slice(0, 10).join(", ")}` : "it exports nothing";
  throw new PolicyError("NO_POLICY", specifier, `there is none that definePolicy made; ${shown}.`);
}

function refuse(specifier: string, name: string, why: string): never {
  throw new PolicyError("INVALID_DEFINITION", specifier, `its export "${name}" ${why}.`, { field: name });
}

function looksLikePolicy(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return false;
  return "signals" in value && ("name" in value || "score" in value || "select" in value);
}

async function check(definition: PolicyDefinition): Promise<void> {
  for (const { name, run } of policyChecks(definition)) {
    try {
      await run();
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      const message = `it fails the check "${name}": ${reason}`;
      throw new PolicyError("FAILED_CHECK", definition.name, message, { cause: error });
    }
  }
}
