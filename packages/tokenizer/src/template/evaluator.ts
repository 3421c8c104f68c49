import { TemplateError } from "../errors.ts";
import { Expressions } from "./expressions.ts";
import { loopObject } from "./loop-object.ts";
import { bindMacro, macroUses } from "./macro.ts";
import type { Meter } from "./meter.ts";
import { Output, Scope } from "./scope.ts";
import type { CallStatementNode, Expression, ForNode, Node, Parameter } from "./syntax.ts";
import { toText } from "./text.ts";
import { Callable, isTrue, itemsOf, Namespace, typeName, type Value } from "./values.ts";

/** How a block of statements ended: at its end, or at a `break` or `continue`. */
type Ending = "break" | "continue" | undefined;

/**
 * Evaluates a parsed template with the meaning of Jinja2 (strict about types, as Python is), every step on the
 * meter. The interpreter of @huggingface/jinja is not used: its operations allocate before anything could stop
 * them, and it follows JavaScript where Python differs (`str(True)`, `strip(chars)`, `1 == "1"`).
 */
export class Evaluator {
  readonly #meter: Meter;
  readonly #expressions: Expressions;

  constructor(meter: Meter) {
    this.#meter = meter;
    this.#expressions = new Expressions(meter);
  }

  /** What a whole template prints. */
  render(nodes: readonly Node[], globals: Scope): string {
    return this.#capture(nodes, new Scope(globals));
  }

  #capture(nodes: readonly Node[], scope: Scope): string {
    const output = new Output(this.#meter);
    this.#run(nodes, scope, output);
    return output.text;
  }

  #run(nodes: readonly Node[], scope: Scope, output: Output): Ending {
    this.#meter.enter();
    let ending: Ending;
    for (const node of nodes) {
      this.#meter.step();
      ending = this.#statement(node, scope, output);
      if (ending !== undefined) break;
    }
    this.#meter.leave();
    return ending;
  }

  #statement(node: Node, scope: Scope, output: Output): Ending {
    switch (node.type) {
      case "Comment":
        return undefined;
      case "Break":
        return "break";
      case "Continue":
        return "continue";
      case "Program":
        return this.#run(node.body, scope, output);
      case "If":
        return this.#run(
          isTrue(this.#expressions.value(node.test, scope)) ? node.body : node.alternate,
          scope,
          output,
        );
      case "For":
        this.#loop(node, scope, output);
        return undefined;
      case "Set":
        this.#assign(
          node.assignee,
          node.value ? this.#expressions.value(node.value, scope) : this.#capture(node.body, scope),
          scope,
        );
        return undefined;
      case "Macro":
        scope.set(node.name.value, this.#macro(node.name.value, node.args, node.body, scope));
        return undefined;
      case "CallStatement":
        output.write(this.#callBlock(node, scope));
        return undefined;
      case "FilterStatement":
        output.write(
          toText(this.#expressions.filter(this.#capture(node.body, scope), node.filter, scope), this.#meter),
        );
        return undefined;
      default:
        output.write(toText(this.#expressions.value(node, scope), this.#meter));
        return undefined;
    }
  }

  #loop(node: ForNode, scope: Scope, output: Output): void {
    const filtered = node.iterable.type === "SelectExpression" ? node.iterable : undefined;
    let items = itemsOf(this.#expressions.value(filtered?.lhs ?? node.iterable, scope), this.#meter);
    if (filtered !== undefined) {
      items = items.filter((each) => {
        const inner = new Scope(scope);
        this.#assign(node.loopvar, each, inner);
        return isTrue(this.#expressions.value(filtered.test, inner));
      });
    }
    for (let index = 0; index < items.length; index++) {
      this.#meter.scope();
      const inner = new Scope(scope);
      inner.set("loop", loopObject(items, index));
      this.#assign(node.loopvar, items[index]!, inner);
      if (this.#run(node.body, inner, output) === "break") return;
    }
    if (items.length === 0) this.#run(node.defaultBlock, new Scope(scope), output);
  }

  #assign(target: Expression, value: Value, scope: Scope): void {
    if (target.type === "Identifier") {
      scope.set(target.value, value);
    } else if (target.type === "TupleLiteral") {
      const values = itemsOf(value, this.#meter);
      if (values.length !== target.value.length) {
        throw new TemplateError(`cannot unpack ${values.length} values into ${target.value.length} names`);
      }
      for (const [i, each] of target.value.entries()) this.#assign(each, values[i]!, scope);
    } else if (
      target.type === "MemberExpression" &&
      target.property.type === "Identifier" &&
      !target.computed
    ) {
      const object = this.#expressions.value(target.object, scope);
      if (!(object instanceof Namespace) || !object.mutable) {
        throw new TemplateError(`cannot assign an attribute of '${typeName(object)}', only of a namespace`);
      }
      object.values.set(target.property.value, value);
    } else {
      throw new TemplateError(`cannot assign to a ${target.type}`);
    }
  }

  /** A macro, or the body of a `call` block. Names in it are those of where it was defined. */
  #macro(name: string, parameters: readonly Parameter[], body: readonly Node[], defined: Scope): Callable {
    const uses = macroUses(body, this.#meter);
    return new Callable(name, (args) => {
      this.#meter.scope();
      const scope = new Scope(defined);
      bindMacro({
        name,
        parameters,
        uses,
        args,
        scope,
        value: (node) => this.#expressions.value(node, scope),
      });
      return this.#capture(body, scope);
    });
  }

  #callBlock(node: CallStatementNode, scope: Scope): string {
    const args = this.#expressions.arguments(node.call.args, scope);
    const caller = this.#macro("caller", node.callerArgs ?? [], node.body, scope);
    const named = new Map([...args.named, ["caller", caller]]);
    return toText(
      this.#expressions.call(this.#expressions.value(node.call.callee, scope), {
        positional: args.positional,
        named,
      }),
      this.#meter,
    );
  }
}
