import { parse, tokenize } from "@huggingface/jinja";
import { TemplateError, TemplateLimitError } from "../errors.ts";
import { prepareTokens } from "./token-rewrite.ts";

// The nodes that the library's parser makes, as far as the evaluator reads them.

export type Expression =
  | { type: "Identifier"; value: string }
  | { type: "IntegerLiteral" | "FloatLiteral"; value: number }
  | { type: "StringLiteral"; value: string }
  | { type: "ArrayLiteral" | "TupleLiteral"; value: Expression[] }
  | { type: "ObjectLiteral"; value: Map<Expression, Expression> }
  | { type: "MemberExpression"; object: Expression; property: Expression; computed: boolean }
  | CallNode
  | { type: "BinaryExpression"; operator: { value: string }; left: Expression; right: Expression }
  | { type: "UnaryExpression"; operator: { value: string }; argument: Expression }
  | { type: "FilterExpression"; operand: Expression; filter: FilterNode }
  | { type: "TestExpression"; operand: Expression; negate: boolean; test: { value: string } }
  | { type: "SelectExpression"; lhs: Expression; test: Expression }
  | { type: "Ternary"; condition: Expression; trueExpr: Expression; falseExpr: Expression }
  | { type: "SliceExpression"; start?: Expression; stop?: Expression; step?: Expression }
  | { type: "SpreadExpression" | "KeywordSpreadExpression"; argument: Expression }
  | KeywordNode;

export interface CallNode {
  type: "CallExpression";
  callee: Expression;
  args: Expression[];
}

export interface KeywordNode {
  type: "KeywordArgumentExpression";
  key: { value: string };
  value: Expression;
}

export type FilterNode = { type: "Identifier"; value: string } | CallNode;

export type Parameter = { type: "Identifier"; value: string } | KeywordNode;

export interface MacroNode {
  type: "Macro";
  name: { value: string };
  args: Parameter[];
  body: Node[];
}

export interface ForNode {
  type: "For";
  loopvar: Expression;
  iterable: Expression;
  body: Node[];
  defaultBlock: Node[];
}

export interface CallStatementNode {
  type: "CallStatement";
  call: CallNode;
  callerArgs: Parameter[] | null;
  body: Node[];
}

export type Statement =
  | { type: "Program"; body: Node[] }
  | { type: "If"; test: Expression; body: Node[]; alternate: Node[] }
  | ForNode
  | { type: "Set"; assignee: Expression; value: Expression | null; body: Node[] }
  | MacroNode
  | CallStatementNode
  | { type: "FilterStatement"; filter: FilterNode; body: Node[] }
  | { type: "Break" | "Continue" | "Comment" };

export type Node = Statement | Expression;

/** The library's lexer takes quadratic time on a run of white space; no published template has a long one. */
const LONGEST_SPACE = 1024;

/**
 * Parses a template with the lexer and parser of @huggingface/jinja, `trim_blocks` and `lstrip_blocks` on as in
 * Hugging Face's own environment.
 *
 * @throws TemplateError for a syntax error, TemplateLimitError for a source that is too long or too deep.
 */
export function parseTemplate(source: string, longest: number): Node[] {
  if (source.length > longest) throw new TemplateLimitError("sourceLength", longest);
  checkSpaces(source);
  try {
    const tokens = prepareTokens(tokenize(source, { trim_blocks: true, lstrip_blocks: true }));
    return parse(tokens).body as unknown as Node[];
  } catch (error) {
    if (error instanceof TemplateError) throw error;
    if (error instanceof RangeError)
      throw new TemplateLimitError("depth", longest, "the source nests too deep to parse");
    // The library's parser runs off the end of its tokens with a TypeError.
    const reason = error instanceof TypeError ? "ends within a tag or a block" : String(error);
    throw new TemplateError(`chat template: ${reason}`, { cause: error });
  }
}

function checkSpaces(source: string): void {
  let run = 0;
  for (let i = 0; i < source.length; i++) {
    run = /\s/.test(source[i]!) ? run + 1 : 0;
    if (run > LONGEST_SPACE) {
      throw new TemplateLimitError("sourceLength", LONGEST_SPACE, "white space in one place of the source");
    }
  }
}
