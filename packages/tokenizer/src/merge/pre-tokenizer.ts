import { UnsupportedTokenizerError } from "../errors.ts";

/** Cuts text into words that are merged each on its own. The words concatenate to the text. */
export interface PreTokenizer {
  split(text: string): Iterable<string>;
  /** A word that is a token becomes it without merging. */
  wholeWords: boolean;
  /** A BOS is put in front unless the file says otherwise. */
  addBos: boolean;
}

// \s of the published patterns means Unicode White_Space, which JavaScript's \s is not.
const WS = String.raw`\p{White_Space}`;
const NOT_TEXT = String.raw`[^${WS}\p{L}\p{N}]`;
const CONTRACTION = "(?:'[sS]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD])";
const GPT2 = String.raw`'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?${NOT_TEXT}+|${WS}+(?!\P{White_Space})`;
const SPACES = String.raw`${WS}*[\r\n]+|${WS}+(?!\P{White_Space})|${WS}+`;
const UPPER = String.raw`[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]`;
const LOWER = String.raw`[\p{Ll}\p{Lm}\p{Lo}\p{M}]`;
const BEFORE_WORD = String.raw`[^\r\n\p{L}\p{N}]?`;

/** Words of letters with one leading character, numbers of up to `digits` digits, punctuation with line ends. */
function modern(digits: string): string {
  return String.raw`${CONTRACTION}|${BEFORE_WORD}\p{L}+|\p{N}${digits}| ?${NOT_TEXT}+[\r\n]*|${SPACES}`;
}

/** Like `modern`, but a word also ends where a capital follows a small letter. */
function cased(digits: string, suffix: string): string {
  const word = `${BEFORE_WORD}${UPPER}*${LOWER}+${suffix}|${BEFORE_WORD}${UPPER}+${LOWER}*${suffix}`;
  return String.raw`${word}|\p{N}${digits}| ?${NOT_TEXT}+[\r\n/]*|${SPACES}`;
}

const DEEPSEEK3 = [
  String.raw`\p{N}{1,3}`,
  "[一-龥぀-ゟ゠-ヿ]+",
  String.raw`[!"#$%&'()*+,\-./:;<=>?@\[\\\]^_\x60{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*|${SPACES}`,
];

interface Recipe {
  names: readonly string[];
  /** Applied in turn, each to the words of the one before; what a pattern does not match is a word as well. */
  patterns: readonly string[];
  wholeWords?: boolean;
  addBos?: boolean;
}

/** The published pre-tokenizers, under the names that `tokenizer.ggml.pre` has for them. */
const RECIPES: readonly Recipe[] = [
  {
    names: ["default"],
    patterns: [String.raw`[\p{P}\$\+<=>\^~\|]+`, GPT2, String.raw`\p{N}+`, "[0-9][0-9][0-9]"],
  },
  { names: ["gpt-2", "phi-2", "mpt", "olmo", "jais", "gigachat", "mellum", "trillion"], patterns: [GPT2] },
  {
    names: ["starcoder", "refact", "command-r", "smollm", "codeshell", "exaone", "minerva-7b"],
    patterns: [String.raw`\p{N}`, GPT2],
  },
  { names: ["falcon"], patterns: [String.raw`[\p{P}\$\+<=>\^~\|\x60]+`, GPT2, "[0-9][0-9][0-9]"] },
  {
    names: ["llama-bpe", "llama3", "llama-v3", "falcon3", "falcon-h1", "pixtral", "lfm2"],
    patterns: [modern("{1,3}")],
    wholeWords: true,
    addBos: true,
  },
  { names: ["dbrx", "smaug-bpe", "chatglm-bpe", "glm4"], patterns: [modern("{1,3}")] },
  { names: ["qwen2", "stablelm2", "deepseek-r1-qwen", "megrez", "hunyuan"], patterns: [modern("")] },
  { names: ["deepseek-v3"], patterns: DEEPSEEK3 },
  { names: ["tekken"], patterns: [cased("", "")], wholeWords: true, addBos: true },
  { names: ["gpt-4o", "llama4"], patterns: [cased("{1,3}", `${CONTRACTION}?`)] },
];

/** Names that `preTokenizer` knows. */
export const PRE_TOKENIZER_NAMES: readonly string[] = RECIPES.flatMap((recipe) => recipe.names);

/**
 * The pre-tokenizer of a name in `tokenizer.ggml.pre`.
 *
 * @throws UnsupportedTokenizerError for a name it does not know, with those that it does.
 */
export function preTokenizer(name: string): PreTokenizer {
  const recipe = RECIPES.find((candidate) => candidate.names.includes(name));
  if (recipe === undefined) {
    throw new UnsupportedTokenizerError(
      `tokenizer.ggml.pre: "${name}" is not known; known are ${PRE_TOKENIZER_NAMES.join(", ")}`,
    );
  }
  const patterns = recipe.patterns.map((pattern) => new RegExp(pattern, "gu"));
  return {
    split: (text) => patterns.reduce<Iterable<string>>((words, pattern) => splitAll(words, pattern), [text]),
    wholeWords: recipe.wholeWords ?? false,
    addBos: recipe.addBos ?? false,
  };
}

function* splitAll(words: Iterable<string>, pattern: RegExp): Generator<string> {
  for (const word of words) {
    let end = 0;
    for (const match of word.matchAll(pattern)) {
      if (match.index > end) yield word.slice(end, match.index);
      yield match[0];
      end = match.index + match[0].length;
    }
    if (end < word.length) yield word.slice(end);
  }
}
