export { GrammarError, type GrammarErrorCode } from "./grammar-error.ts";
export { type CompileOptions, Grammars, type GrammarsOptions } from "./grammars.ts";
export type { JsonFormat } from "./json-format.ts";
export type { Matcher } from "./matcher.ts";
export type { Vocabulary } from "./vocabulary.ts";
