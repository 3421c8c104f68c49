import { Tokenizer as Library } from "@huggingface/tokenizers";
import { TokenizerFileError, UnsupportedTokenizerError } from "../errors.ts";
import { isObject, type JsonObject } from "./checkpoint-files.ts";

/** Largest id accepted, so that a hostile file cannot ask for a huge table. */
const LARGEST_ID = 2 ** 22;

/** A token of `added_tokens`, which is cut out of the text before the model sees it. */
export interface AddedToken {
  id: number;
  content: string;
  /** Takes the white space before (after) it as well. */
  lstrip: boolean;
  rstrip: boolean;
  special: boolean;
  /** Looked for after the normalizer has run. */
  normalized: boolean;
}

/** A `tokenizer.json` that has been checked, and the library's tokenizer built from it. */
export interface TokenizerJson {
  library: Library;
  added: readonly AddedToken[];
  /** Text of each id; undefined where no token has the id. */
  texts: readonly (string | undefined)[];
}

/**
 * Checks a parsed `tokenizer.json` as far as memory and types depend on it, and builds the library's tokenizer.
 *
 * @throws TokenizerFileError, UnsupportedTokenizerError
 */
export function tokenizerFromJson(tokenizer: JsonObject, config: JsonObject): TokenizerJson {
  const { model } = tokenizer;
  if (!isObject(model)) throw new TokenizerFileError("tokenizer.json: model: expected an object");
  checkVocabulary(model.vocab);
  for (const option of ["remove_space", "do_lowercase_and_remove_accent"]) {
    if (config[option])
      throw new UnsupportedTokenizerError(`tokenizer_config.json: ${option} is not supported`);
  }
  const added = addedTokens(tokenizer.added_tokens ?? []);
  let library: Library;
  try {
    const blank = { normalizer: null, pre_tokenizer: null, post_processor: null, decoder: null };
    library = new Library({ ...blank, ...tokenizer, added_tokens: added }, config);
  } catch (error) {
    throw new TokenizerFileError(`tokenizer.json: ${String(error)}`, { cause: error });
  }
  if (library.model === null) throw new TokenizerFileError("tokenizer.json: model: expected an object");
  return { library, added, texts: library.model.vocab };
}

function checkVocabulary(vocab: unknown): void {
  if (Array.isArray(vocab)) {
    const sound = (entry: unknown) =>
      Array.isArray(entry) && typeof entry[0] === "string" && typeof entry[1] === "number";
    if (vocab.length > LARGEST_ID || !vocab.every(sound)) {
      throw new TokenizerFileError("tokenizer.json: model.vocab: expected a list of [token, score]");
    }
    return;
  }
  if (!isObject(vocab))
    throw new TokenizerFileError("tokenizer.json: model.vocab: expected an object or a list");
  for (const [token, id] of Object.entries(vocab)) checkId(id, `model.vocab["${token}"]`);
}

function checkId(id: unknown, field: string): asserts id is number {
  if (!Number.isInteger(id) || (id as number) < 0 || (id as number) > LARGEST_ID) {
    throw new TokenizerFileError(
      `tokenizer.json: ${field}: expected an id in 0..${LARGEST_ID}, received ${String(id)}`,
    );
  }
}

function addedTokens(list: unknown): AddedToken[] {
  if (!Array.isArray(list)) throw new TokenizerFileError("tokenizer.json: added_tokens: expected a list");
  return list.map((token: unknown, i) => {
    if (!isObject(token) || typeof token.content !== "string" || token.content === "") {
      throw new TokenizerFileError(`tokenizer.json: added_tokens[${i}]: expected an object with content`);
    }
    checkId(token.id, `added_tokens[${i}].id`);
    const special = token.special === true;
    return {
      id: token.id,
      content: token.content,
      lstrip: token.lstrip === true,
      rstrip: token.rstrip === true,
      special,
      normalized: typeof token.normalized === "boolean" ? token.normalized : !special,
    };
  });
}
