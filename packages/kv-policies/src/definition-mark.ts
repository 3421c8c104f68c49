/**
 * Known to every copy of this package that a process has loaded: a policy from outside brings the copy it was written
 * with, so neither a class nor a WeakSet would recognise it.
 */
const mark = Symbol.for("@kvasir/kv-policies definition");

/** What a definition is made of; another number where that has changed so much that this copy cannot use it. */
const format = 1;

/** Marks and freezes a definition that was checked. A copy of it with changes has no mark. */
export function markDefinition<T extends object>(definition: T): Readonly<T> {
  Object.defineProperty(definition, mark, { value: format });
  return Object.freeze(definition);
}

/** "other version": made by a copy of this package that this one does not understand. */
export function markOf(value: unknown): "definition" | "other version" | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const descriptor = Object.getOwnPropertyDescriptor(value, mark);
  if (descriptor === undefined || !Object.isFrozen(value)) return undefined;
  return descriptor.value === format ? "definition" : "other version";
}
