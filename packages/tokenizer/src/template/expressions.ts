import { TemplateError } from "../errors.ts";
import { applyFilter } from "./filters.ts";
import { attribute, item } from "./members.ts";
import type { Meter } from "./meter.ts";
import { binary, slice, unary } from "./operators.ts";
import type { Scope } from "./scope.ts";
import type { CallNode, Expression, FilterNode, Node } from "./syntax.ts";
import { runTest } from "./tests.ts";
import { NEGATED_TEST_PREFIX, TEST_PREFIX } from "./token-rewrite.ts";
import {
  type Arguments,
  asKey,
  Callable,
  type Dict,
  Float,
  int,
  isDict,
  isTrue,
  itemsOf,
  orElse,
  typeName,
  Undefined,
  type Value,
} from "./values.ts";

const CONSTANTS: ReadonlyMap<string, Value> = new Map<string, Value>([
  ["true", true],
  ["True", true],
  ["false", false],
  ["False", false],
  ["none", null],
  ["None", null],
]);

/** Evaluates expressions: everything that has a value and changes no name. */
export class Expressions {
  readonly #meter: Meter;

  constructor(meter: Meter) {
    this.#meter = meter;
  }

  /** The value of an expression. */
  value(node: Node, scope: Scope): Value {
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
        return node.value.map((each) => this.value(each, scope));
      case "ObjectLiteral":
        return new Map(
          [...node.value].map(([key, each]) => [asKey(this.value(key, scope)), this.value(each, scope)]),
        );
      case "MemberExpression":
        return this.#member(this.value(node.object, scope), node.property, node.computed, scope);
      case "CallExpression":
        return this.call(this.value(node.callee, scope), this.arguments(node.args, scope));
      case "BinaryExpression":
        return this.#binary(node.operator.value, node.left, node.right, scope);
      case "UnaryExpression":
        return unary(node.operator.value, this.value(node.argument, scope));
      case "FilterExpression":
        return this.filter(this.value(node.operand, scope), node.filter, scope);
      case "TestExpression":
        return runTest(node.test.value, this.value(node.operand, scope), [], this.#meter) !== node.negate;
      case "SelectExpression":
        return isTrue(this.value(node.test, scope))
          ? this.value(node.lhs, scope)
          : new Undefined("the inline if-expression without else");
      case "Ternary":
        return this.value(isTrue(this.value(node.condition, scope)) ? node.trueExpr : node.falseExpr, scope);
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
        bound === undefined ? undefined : this.value(bound, scope),
      );
      return slice(object, bounds, this.#meter);
    }
    if (computed) return item(object, this.value(property, scope), this.#meter);
    if (property.type === "IntegerLiteral") return item(object, property.value, this.#meter);
    if (property.type === "Identifier") return attribute(object, property.value, this.#meter);
    throw new TemplateError(`unexpected ${property.type} after a dot`);
  }

  #binary(operator: string, left: Expression, right: Expression, scope: Scope): Value {
    const first = this.value(left, scope);
    if (operator === "and") return isTrue(first) ? this.value(right, scope) : first;
    if (operator === "or") return isTrue(first) ? first : this.value(right, scope);
    return binary(operator, first, this.value(right, scope), this.#meter);
  }

  /** Applies a filter, or a test that took the shape of one. */
  filter(value: Value, filter: FilterNode, scope: Scope): Value {
    if (filter.type === "Identifier") return applyFilter(filter.value, value, NO_ARGUMENTS, this.#meter);
    const name = filterName(filter);
    const args = this.arguments(filter.args, scope);
    for (const prefix of [NEGATED_TEST_PREFIX, TEST_PREFIX]) {
      if (!name.startsWith(prefix)) continue;
      const holds = runTest(name.slice(prefix.length), value, args.positional, this.#meter);
      return holds !== (prefix === NEGATED_TEST_PREFIX);
    }
    return applyFilter(name, value, args, this.#meter);
  }

  call(callee: Value, args: Arguments): Value {
    if (callee instanceof Undefined) throw new TemplateError(`${callee.what} is undefined`);
    if (!(callee instanceof Callable))
      throw new TemplateError(`'${typeName(callee)}' object is not callable`);
    return callee.call(args);
  }

  /** Evaluates the arguments of a call. */
  arguments(nodes: readonly Expression[], scope: Scope): Arguments {
    const positional: Value[] = [];
    const named = new Map<string, Value>();
    const name = (key: string, value: Value) => {
      if (named.has(key)) throw new TemplateError(`argument ${key} is given twice`);
      named.set(key, value);
    };
    for (const node of nodes) {
      if (node.type === "KeywordArgumentExpression") {
        name(node.key.value, this.value(node.value, scope));
      } else if (node.type === "SpreadExpression") {
        const values = itemsOf(this.value(node.argument, scope), this.#meter);
        this.#meter.step(values.length);
        for (const value of values) positional.push(value);
      } else if (node.type === "KeywordSpreadExpression") {
        for (const [key, value] of dictOf(this.value(node.argument, scope))) name(String(key), value);
      } else {
        positional.push(this.value(node, scope));
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
