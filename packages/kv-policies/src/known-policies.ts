import { builtInPolicies } from "./built-in-policies.ts";
import { isPolicyDefinition, type PolicyDefinition } from "./definition.ts";
import { PolicyError } from "./errors.ts";

/**
 * Joins policies from outside into one list, each once, and checks that they can be told apart by name.
 * @throws PolicyError `NAME_TAKEN`, by a built-in policy or another of them; `INVALID_DEFINITION` for anything that
 * neither `definePolicy` nor a wrapper made
 */
export function joinPolicies(...lists: readonly (readonly PolicyDefinition[])[]): PolicyDefinition[] {
  const joined = new Map<string, PolicyDefinition>();
  for (const definition of lists.flat()) {
    if (!isPolicyDefinition(definition))
      throw new PolicyError("INVALID_DEFINITION", nameOf(definition), "it was not made by definePolicy.");
    const { name } = definition;
    const isBuiltIn = builtInPolicies.some((builtIn) => builtIn.name === name);
    const other = joined.get(name);
    if (isBuiltIn || (other && other !== definition))
      throw new PolicyError(
        "NAME_TAKEN",
        name,
        `${isBuiltIn ? "a built-in policy" : "another policy"} has this name; give it one of its own.`,
      );
    joined.set(name, definition);
  }
  return [...joined.values()];
}

/** For a message: a name of something that should have been a policy. */
export function nameOf(value: unknown): string {
  const name: unknown = (value as { readonly name?: unknown } | null | undefined)?.name;
  return typeof name === "string" ? name.slice(0, 200) : "without a name";
}
