import { emptyArray, label, oneOf, unsupported } from "./field.ts";

/** OpenAI's fields of chat that ask for what no model here does. */
export const refusedFields = {
  functions: unsupported("the older form of tool calling; send tools", emptyArray),
  function_call: unsupported("the older form of tool calling; send tool_choice", oneOf("none", "auto")),
  modalities: unsupported("only text is supported", (value) => JSON.stringify(value) === '["text"]'),
  audio: unsupported("audio is not supported"),
  prediction: unsupported("predicted outputs are not supported"),
  reasoning_effort: unsupported("reasoning effort is not supported", oneOf("none")),
  verbosity: unsupported("verbosity is not supported", oneOf("medium")),
  web_search_options: unsupported("web search is not supported"),
  moderation: unsupported("moderation is not supported"),
  service_tier: unsupported("service tiers are not supported", oneOf("auto", "default")),
  store: unsupported("storing answers is not supported", oneOf(false)),
  metadata: unsupported(
    "expected an object of at most 16 short strings",
    (value) =>
      typeof value === "object" &&
      !Array.isArray(value) &&
      Object.keys(value ?? {}).length <= 16 &&
      Object.values(value ?? {}).every(label),
  ),
  prompt_cache_retention: unsupported("cache retention is not supported", oneOf("in_memory", "in-memory")),
  safety_identifier: unsupported("expected a string of at most 512 characters", label),
};
