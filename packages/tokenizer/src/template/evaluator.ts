import { TemplateError } from "../errors.ts";
import { applyFilter } from "./filters.ts";
import { bindMacro, macroUses } from "./macro.ts";
import { attribute, item } from "./members.ts";
import type { Meter } from "./meter.ts";
import { binary, slice } from "./operators.ts";
import { Output, Scope } from "./scope.ts";
import type {
  CallNode,
  CallStatementNode,
  Expression,
  FilterNode,
  ForNode,
  Node,
  Parameter,
} from "./syntax.ts";
import { runTest } from "./tests.ts";
import { toText } from "./text.ts";
import { NEGATED_TEST_PREFIX, TEST_PREFIX } from "./token-rewrite.ts";
import {
  type Arguments,
  asKey,
  asNumber,
  Callable,
  type Dict,
  Float,
  int,
  isDict,
  isTrue,
  itemsOf,
  Namespace,
  orElse,
  typeName,
  Undefined,
  type Value,
} from "./values.ts";

/** How a block of statements ended: at its end, or at a `break` or `continue`. */
type Ending = "break" | "continue" | undefined;

const CONSTANTS: ReadonlyMap<string, Value> = new Map<string, Value>([
  ["true", true],
  ["True", true],
  ["false", false],
  ["False", false],
  ["none", null],
  ["None", null],
]);

/**
 * Evaluates a parsed template with the meaning of Jinja2 (strict about types, as Python is), every step on the
 * meter. The interpreter of @huggingface/jinja is not used: its operations allocate before anything could stop
 * them, and it follows JavaScript where Python differs (`str(True)`, `strip(chars)`, `1 == "1"`).
 */
export class Evaluator {
  readonly #meter: Meter;

  constructor(meter: Meter) {
    this.#meter = meter;
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
        return this.#run(isTrue(this.#value(node.test, scope)) ? node.body : node.alternate, scope, output);
      case "For":
        this.#loop(node, scope, output);
        return undefined;
      case "Set":
        this.#assign(
          node.assignee,
          node.value ? this.#value(node.value, scope) : this.#capture(node.body, scope),
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
        output.write(toText(this.#filter(this.#capture(node.body, scope), node.filter, scope), this.#meter));
        return undefined;
      default:
        output.write(toText(this.#value(node, scope), this.#meter));
        return undefined;
    }
  }

  #loop(node: ForNode, scope: Scope, output: Output): void {
    const filtered = node.iterable.type === "SelectExpression" ? node.iterable : undefined;
    let items = itemsOf(this.#value(filtered?.lhs ?? node.iterable, scope), this.#meter);
    if (filtered !== undefined) {
      items = items.filter((each) => {
        const inner = new Scope(scope);
        this.#assign(node.loopvar, each, inner);
        return isTrue(this.#value(filtered.test, inner));
      });
    }
    for (let index = 0; index < items.length; index++) {
      this.#meter.step();
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
      const object = this.#value(target.object, scope);
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
      const scope = new Scope(defined);
      bindMacro({ name, parameters, uses, args, scope, value: (node) => this.#value(node, scope) });
      return this.#capture(body, scope);
    });
  }

  #callBlock(node: CallStatementNode, scope: Scope): string {
    const args = this.#arguments(node.call.args, scope);
    const caller = this.#macro("caller", node.callerArgs ?? [], node.body, scope);
    const named = new Map([...args.named, ["caller", caller]]);
    return toText(
      this.#call(this.#value(node.call.callee, scope), { positional: args.positional, named }),
      this.#meter,
    );
  }

  #value(node: Node, scope: Scope): Value {
    this.#meter.step();
    this.#meter.enter();
    const value = this.#expression(node, scope);
    this.#meter.leave();
    return value;
  }

  #expression(node: Node, scope: Scope): Value {
    switch (node.type) {
      case "StringLiteral":
        return node.value;
      case "IntegerLiteral":
        return int(node.value);
      case "FloatLiteral":
        return new Float(node.value);
      case "Identifier":
        return orElse(CONSTANTS.get(node.value), this.#lookUp(node.value, scope));
      case "ArrayLiteral":
      case "TupleLiteral":
        return node.value.map((each) => this.#value(each, scope));
      case "ObjectLiteral":
        return new Map(
          [...node.value].map(([key, each]) => [asKey(this.#value(key, scope)), this.#value(each, scope)]),
        );
      case "MemberExpression":
        return this.#member(this.#value(node.object, scope), node.property, node.computed, scope);
      case "CallExpression":
        return this.#call(this.#value(node.callee, scope), this.#arguments(node.args, scope));
      case "BinaryExpression":
        return this.#binary(node.operator.value, node.left, node.right, scope);
      case "UnaryExpression":
        return unary(node.operator.value, this.#value(node.argument, scope));
      case "FilterExpression":
        return this.#filter(this.#value(node.operand, scope), node.filter, scope);
      case "TestExpression":
        return runTest(node.test.value, this.#value(node.operand, scope), [], this.#meter) !== node.negate;
      case "SelectExpression":
        return isTrue(this.#value(node.test, scope))
          ? this.#value(node.lhs, scope)
          : new Undefined("the inline if-expression without else");
      case "Ternary":
        return this.#value(
          isTrue(this.#value(node.condition, scope)) ? node.trueExpr : node.falseExpr,
          scope,
        );
      default:
        throw new TemplateError(`unexpected ${node.type} in an expression`);
    }
  }

  #lookUp(name: string, scope: Scope): Value {
    return orElse(scope.get(name), new Undefined(`'${name}'`));
  }

  #member(object: Value, property: Expression, computed: boolean, scope: Scope): Value {
    if (property.type === "SliceExpression") {
      const { start, stop, step } = property;
      const bounds = [start, stop, step].map((bound) =>
        bound === undefined ? undefined : this.#value(bound, scope),
      );
      return slice(object, bounds, this.#meter);
    }
    if (computed) return item(object, this.#value(property, scope), this.#meter);
    if (property.type === "IntegerLiteral") return item(object, property.value, this.#meter);
    if (property.type === "Identifier") return attribute(object, property.value, this.#meter);
    throw new TemplateError(`unexpected ${property.type} after a dot`);
  }

  #binary(operator: string, left: Expression, right: Expression, scope: Scope): Value {
    const first = this.#value(left, scope);
    if (operator === "and") return isTrue(first) ? this.#value(right, scope) : first;
    if (operator === "or") return isTrue(first) ? first : this.#value(right, scope);
    return binary(operator, first, this.#value(right, scope), this.#meter);
  }

  #filter(value: Value, filter: FilterNode, scope: Scope): Value {
    if (filter.type === "Identifier") return applyFilter(filter.value, value, NO_ARGUMENTS, this.#meter);
    const name = filterName(filter);
    const args = this.#arguments(filter.args, scope);
    for (const prefix of [NEGATED_TEST_PREFIX, TEST_PREFIX]) {
      if (!name.startsWith(prefix)) continue;
      const holds = runTest(name.slice(prefix.length), value, args.positional, this.#meter);
      return holds !== (prefix === NEGATED_TEST_PREFIX);
    }
    return applyFilter(name, value, args, this.#meter);
  }

  #call(callee: Value, args: Arguments): Value {
    if (callee instanceof Undefined) throw new TemplateError(`${callee.what} is undefined`);
    if (!(callee instanceof Callable))
      throw new TemplateError(`'${typeName(callee)}' object is not callable`);
    return callee.call(args);
  }

  #arguments(nodes: readonly Expression[], scope: Scope): Arguments {
    const positional: Value[] = [];
    const named = new Map<string, Value>();
    const name = (key: string, value: Value) => {
      if (named.has(key)) throw new TemplateError(`argument ${key} is given twice`);
      named.set(key, value);
    };
    for (const node of nodes) {
      if (node.type === "KeywordArgumentExpression") {
        name(node.key.value, this.#value(node.value, scope));
      } else if (node.type === "SpreadExpression") {
        const values = itemsOf(this.#value(node.argument, scope), this.#meter);
        this.#meter.step(values.length);
        for (const value of values) positional.push(value);
      } else if (node.type === "KeywordSpreadExpression") {
        for (const [key, value] of dictOf(this.#value(node.argument, scope))) name(String(key), value);
      } else {
        positional.push(this.#value(node, scope));
      }
    }
    return { positional, named };
  }
}

const NO_ARGUMENTS: Arguments = { positional: [], named: new Map() };

function dictOf(value: Value): Dict {
  if (isDict(value)) return value;
  throw new TemplateError(`argument after ** must be a dict, not '${typeName(value)}'`);
}

function filterName(filter: CallNode): string {
  if (filter.callee.type === "Identifier") return filter.callee.value;
  throw new TemplateError("a filter must be a name");
}

function unary(operator: string, value: Value): Value {
  if (operator === "not") return !isTrue(value);
  const number = asNumber(value);
  if (number === undefined)
    throw new TemplateError(`bad operand type for unary ${operator}: '${typeName(value)}'`);
  const result = operator === "-" ? -number : number;
  return value instanceof Float ? new Float(result) : int(result);
}

/** The `loop` of a for. */
function loopObject(items: readonly Value[], index: number): Namespace {
  const { length } = items;
  const values = new Map<string, Value>([
    ["index", index + 1],
    ["index0", index],
    ["revindex", length - index],
    ["revindex0", length - index - 1],
    ["first", index === 0],
    ["last", index === length - 1],
    ["length", length],
    ["depth", 1],
    ["depth0", 0],
    ["previtem", orElse(items[index - 1], new Undefined("there is no previous item, it"))],
    ["nextitem", orElse(items[index + 1], new Undefined("there is no next item, it"))],
  ]);
  values.set(
    "cycle",
    new Callable("cycle", ({ positional }) => {
      if (positional.length === 0) throw new TemplateError("loop.cycle: expected at least one item");
      return positional[index % positional.length]!;
    }),
  );
  return new Namespace(values, false);
}
