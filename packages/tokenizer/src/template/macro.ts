import { TemplateError } from "../errors.ts";
import type { Meter } from "./meter.ts";
import type { Scope } from "./scope.ts";
import type { Expression, Node, Parameter } from "./syntax.ts";
import { type Arguments, orElse, Undefined, type Value } from "./values.ts";

const EXTRAS = ["varargs", "kwargs", "caller"] as const;

/** Which of its extra arguments the body of a macro mentions; only those does it accept. */
export type MacroUses = ReadonlySet<string>;

/** Looks through the body of a macro, at the cost of a step for each part of it. */
export function macroUses(body: readonly Node[], meter: Meter): MacroUses {
  const uses = new Set<string>();
  const visit = (part: unknown): void => {
    if (typeof part !== "object" || part === null) return;
    meter.step();
    meter.enter();
    const { type, value } = part as { type?: unknown; value?: unknown };
    if (type === "Identifier" && EXTRAS.some((extra) => extra === value)) uses.add(value as string);
    for (const child of part instanceof Map ? [...part].flat() : Object.values(part)) visit(child);
    meter.leave();
  };
  visit(body);
  return uses;
}

/** Gives the parameters of a macro their values in its scope. Throws TemplateError for arguments it does not take. */
export function bindMacro(call: {
  name: string;
  parameters: readonly Parameter[];
  uses: MacroUses;
  args: Arguments;
  scope: Scope;
  /** Evaluates a default, which may refer to parameters before it. */
  value: (node: Expression) => Value;
}): void {
  const { name, parameters, uses, args, scope } = call;
  const named = new Map(args.named);
  for (const [i, parameter] of parameters.entries()) {
    const key = parameter.type === "Identifier" ? parameter.value : parameter.key.value;
    if (i < args.positional.length && named.has(key))
      throw new TemplateError(`macro ${name} received ${key} twice`);
    const given = i < args.positional.length ? args.positional[i] : named.get(key);
    named.delete(key);
    const missing = () =>
      parameter.type === "Identifier" ? new Undefined(`parameter '${key}'`) : call.value(parameter.value);
    scope.set(key, given === undefined ? missing() : given);
  }
  const caller = named.get("caller");
  named.delete("caller");
  scope.set("caller", orElse(caller, new Undefined("'caller'")));
  const rest = args.positional.slice(parameters.length);
  if (rest.length > 0 && !uses.has("varargs")) {
    throw new TemplateError(
      `macro ${name} takes at most ${parameters.length} arguments, received ${args.positional.length}`,
    );
  }
  const unknown = [...named.keys()][0];
  if (unknown !== undefined && !uses.has("kwargs")) {
    throw new TemplateError(`macro ${name} has no argument named ${unknown}`);
  }
  if (uses.has("varargs")) scope.set("varargs", rest);
  if (uses.has("kwargs")) scope.set("kwargs", named);
}
