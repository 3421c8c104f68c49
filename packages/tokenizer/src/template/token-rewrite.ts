import type { tokenize } from "@huggingface/jinja";
import { TemplateError } from "../errors.ts";

type Token = ReturnType<typeof tokenize>[number];

const CLOSERS: Readonly<Record<string, string>> = {
  OpenParen: "CloseParen",
  OpenSquareBracket: "CloseSquareBracket",
  OpenCurlyBracket: "CloseCurlyBracket",
};
const NO_ARGUMENT = new Set(["and", "or", "not", "is", "in", "if", "else"]);

/** Marks a filter that is really a test: `x is eq(1)` becomes `x | is eq(1)`. */
export const TEST_PREFIX = "is ";
export const NEGATED_TEST_PREFIX = "is not ";

/** Rewrites what the parser of @huggingface/jinja would reject or read differently from Jinja2. */
export function prepareTokens(tokens: Token[]): Token[] {
  rejectChainedComparisons(tokens);
  return rewriteTests(tokens);
}

/** The parser knows tests without arguments only; one with an argument is passed through it as a filter. */
function rewriteTests(tokens: Token[]): Token[] {
  const rewritten: Token[] = [];
  for (let i = 0; i < tokens.length; i++) {
    const token = tokens[i]!;
    const negated = isWord(tokens[i + 1], "not");
    const name = tokens[i + (negated ? 2 : 1)];
    const start = i + (negated ? 3 : 2);
    const end = isWord(token, "is") && name?.type === "Identifier" ? argumentEnd(tokens, start) : start;
    if (end === start) {
      rewritten.push(token);
      continue;
    }
    const inParentheses = tokens[start]!.type === "OpenParen";
    const prefix = negated ? NEGATED_TEST_PREFIX : TEST_PREFIX;
    rewritten.push({ type: "Pipe", value: "|" }, { type: "Identifier", value: prefix + name!.value });
    if (!inParentheses) rewritten.push({ type: "OpenParen", value: "(" });
    rewritten.push(...rewriteTests(tokens.slice(start, end)));
    if (!inParentheses) rewritten.push({ type: "CloseParen", value: ")" });
    i = end - 1;
  }
  return rewritten;
}

/** Where the argument of a test that begins at `start` ends; `start` itself where there is none. */
function argumentEnd(tokens: readonly Token[], start: number): number {
  const first = tokens[start];
  if (first === undefined) return start;
  const closer = CLOSERS[first.type];
  if (closer !== undefined) {
    let depth = 0;
    for (let i = start; i < tokens.length; i++) {
      if (tokens[i]!.type === first.type) depth++;
      else if (tokens[i]!.type === closer && --depth === 0) return i + 1;
    }
    return start;
  }
  const plain = first.type === "StringLiteral" || first.type === "NumericLiteral";
  return plain || (first.type === "Identifier" && !NO_ARGUMENT.has(first.value)) ? start + 1 : start;
}

/** `a < b < c` means `a < b and b < c` in Jinja2, and something else to the parser: better an error. */
function rejectChainedComparisons(tokens: readonly Token[]): void {
  const compared = [false];
  for (const [i, token] of tokens.entries()) {
    const opens = token.type in CLOSERS;
    if (opens) compared.push(false);
    else if (/^Close(Paren|SquareBracket|CurlyBracket)$/.test(token.type)) compared.pop();
    if (compared.length === 0) return;
    const here = compared.length - 1;
    const compares =
      token.type === "ComparisonBinaryOperator" || (isWord(token, "in") && !isWord(tokens[i - 1], "is"));
    if (compares && compared[here]) {
      throw new TemplateError(
        `chat template: chained comparisons ("... ${token.value} ...") are not supported`,
      );
    }
    if (compares) compared[here] = true;
    else if (endsComparison(token, tokens[i + 1])) compared[here] = false;
  }
}

function endsComparison(token: Token, next: Token | undefined): boolean {
  if (token.type === "Identifier") {
    return (
      ["and", "or", "if", "else", "for"].includes(token.value) ||
      (token.value === "not" && !isWord(next, "in"))
    );
  }
  return ["Comma", "Colon", "Equals", "OpenStatement", "CloseStatement", "OpenExpression"].includes(
    token.type,
  );
}

function isWord(token: Token | undefined, word: string): boolean {
  return token?.type === "Identifier" && token.value === word;
}
