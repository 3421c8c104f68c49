import { expect } from "vitest";
import { ConfigError } from "../src/config/config-error.ts";
import type { ModelFamily } from "../src/config/model-config.ts";
import { parseModelConfig } from "../src/config/parse-config.ts";

export const sizes = {
  hidden_size: 64,
  intermediate_size: 160,
  num_attention_heads: 4,
  num_hidden_layers: 4,
  vocab_size: 320,
};
/** A small `config.json` of a family. */
export const base = (model_type: ModelFamily, more: object = {}) => ({
  model_type,
  ...sizes,
  ...(model_type === "llama" || model_type === "lckv-llama" ? {} : { num_key_value_heads: 2 }),
  ...more,
});

/** What refuses a config that is wrong. */
export function errorOf(config: unknown, generation?: unknown): ConfigError {
  try {
    parseModelConfig(config, generation);
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigError);
    return error as ConfigError;
  }
  throw new Error("expected a ConfigError");
}
