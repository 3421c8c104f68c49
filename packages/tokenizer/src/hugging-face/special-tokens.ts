import { TokenizerFileError } from "../errors.ts";
import { type CheckpointFiles, isObject } from "./checkpoint-files.ts";

/** The text of a token in a configuration: a string, or an object with `content`. */
function tokenText(value: unknown): string | undefined {
  const text = isObject(value) ? value.content : value;
  return typeof text === "string" ? text : undefined;
}

/**
 * The ids that begin and end a sequence: those of `generation_config.json`, then the tokens that
 * `tokenizer_config.json` names.
 */
export function specialIds(
  { config, generation }: CheckpointFiles,
  idOf: (token: string) => number | undefined,
  vocabSize: number,
): { bosId: number | undefined; eosIds: number[] } {
  const listed = (field: string): number[] => {
    const value = generation[field] ?? [];
    const ids: unknown[] = Array.isArray(value) ? value : [value];
    for (const id of ids) {
      if (Number.isInteger(id) && (id as number) >= 0 && (id as number) < vocabSize) continue;
      throw new TokenizerFileError(
        `generation_config.json: ${field}: expected ids in 0..${vocabSize - 1}, received ${String(id)}`,
      );
    }
    return ids as number[];
  };
  const named = (field: string): number[] => {
    const text = tokenText(config[field]);
    const id = text === undefined ? undefined : idOf(text);
    return id === undefined ? [] : [id];
  };
  return {
    bosId: [...named("bos_token"), ...listed("bos_token_id")][0],
    eosIds: [...new Set([...listed("eos_token_id"), ...named("eos_token")])],
  };
}

/** The chat template of a checkpoint (undefined without one) and the tokens that it may print. */
export function templateSources({ config, template }: CheckpointFiles) {
  const listed: unknown = config.chat_template;
  const byName = (name: string) => {
    const entry = Array.isArray(listed)
      ? listed.find((each) => isObject(each) && each.name === name)
      : undefined;
    return isObject(entry) && typeof entry.template === "string" ? entry.template : undefined;
  };
  return {
    source: template ?? (typeof listed === "string" ? listed : byName("default")),
    toolSource: template === undefined ? byName("tool_use") : undefined,
    bosToken: tokenText(config.bos_token) ?? "",
    eosToken: tokenText(config.eos_token) ?? "",
    tokens: Object.fromEntries(
      Object.keys(config).flatMap((name) => {
        const text = name.endsWith("_token") ? tokenText(config[name]) : undefined;
        return text === undefined ? [] : [[name, text]];
      }),
    ),
  };
}
