import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { TokenizerFileError } from "../errors.ts";

/** An object out of a JSON file, nothing known of its fields. */
export type JsonObject = Record<string, unknown>;

const LARGEST_TOKENIZER = 2 ** 27;
const LARGEST_OTHER = 2 ** 23;

/** The files of a checkpoint directory that a tokenizer needs, parsed but not checked further. */
export interface CheckpointFiles {
  /** `tokenizer.json`, and its bytes. */
  tokenizer: JsonObject;
  tokenizerBytes: Uint8Array;
  /** `tokenizer_config.json`, with the tokens of `special_tokens_map.json` where it lacks them. */
  config: JsonObject;
  /** `generation_config.json`, or empty. */
  generation: JsonObject;
  /** `chat_template.jinja`, or undefined. */
  template: string | undefined;
}

/**
 * Reads the tokenizer's files of a checkpoint in the Hugging Face layout.
 *
 * @throws TokenizerFileError that names the file, where `tokenizer.json` is absent, or a file is too large or is
 * not a JSON object. The other files may be absent.
 */
export async function readCheckpointFiles(directory: string): Promise<CheckpointFiles> {
  const tokenizerBytes = await read(join(directory, "tokenizer.json"), LARGEST_TOKENIZER);
  if (tokenizerBytes === undefined) throw new TokenizerFileError(`${directory}: has no tokenizer.json`);
  const json = async (name: string) => {
    const path = join(directory, name);
    const bytes = await read(path, LARGEST_OTHER);
    return bytes === undefined ? {} : parseObject(bytes, path);
  };
  const [config, tokens, generation, template] = await Promise.all([
    json("tokenizer_config.json"),
    json("special_tokens_map.json"),
    json("generation_config.json"),
    read(join(directory, "chat_template.jinja"), LARGEST_OTHER),
  ]);
  return {
    tokenizer: parseObject(tokenizerBytes, join(directory, "tokenizer.json")),
    tokenizerBytes,
    config: { ...tokens, ...config },
    generation,
    template: template?.toString("utf8"),
  };
}

async function read(path: string, limit: number): Promise<Buffer | undefined> {
  try {
    const { size } = await stat(path);
    if (size > limit) throw new TokenizerFileError(`${path}: expected at most ${limit} bytes, has ${size}`);
    return await readFile(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    if (error instanceof TokenizerFileError) throw error;
    throw new TokenizerFileError(`${path}: cannot be read: ${String(error)}`, { cause: error });
  }
}

function parseObject(bytes: Buffer, path: string): JsonObject {
  let value: unknown;
  try {
    value = JSON.parse(bytes.toString("utf8"));
  } catch (error) {
    throw new TokenizerFileError(`${path}: is not JSON: ${String(error)}`, { cause: error });
  }
  if (!isObject(value)) throw new TokenizerFileError(`${path}: expected a JSON object`);
  return value;
}

/** Whether a JSON value is an object rather than a list, null, or a plain value. */
export function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
