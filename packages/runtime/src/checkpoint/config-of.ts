import { ConfigError } from "../config/config-error.ts";
import type { ModelConfig } from "../config/model-config.ts";

/** What `parse` reads; a `ConfigError` of it gets the path of the file. */
export function configOf(path: string, parse: () => ModelConfig): ModelConfig {
  try {
    return parse();
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    const { code, field, received, allowed } = error;
    throw new ConfigError(code, field, received, allowed, { path, cause: error.cause });
  }
}
