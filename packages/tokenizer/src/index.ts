export {
  GgufError,
  NoTokenizerError,
  TemplateError,
  TemplateLimitError,
  TokenIdError,
  TokenizerError,
  TokenizerFileError,
  TokenizerOptionError,
  TokenizerTextError,
  UnsupportedTokenizerError,
} from "./errors.ts";
export { loadTokenizer } from "./load-tokenizer.ts";
export { PRE_TOKENIZER_NAMES } from "./merge/pre-tokenizer.ts";
export type { StreamDecoderOptions } from "./stream-decoder.ts";
export { StreamDecoder } from "./stream-decoder.ts";
export type { ChatTemplateInput, ChatTemplateOptions } from "./template/chat-template.ts";
export { ChatTemplate } from "./template/chat-template.ts";
export type { TemplateLimits } from "./template/meter.ts";
export { DEFAULT_TEMPLATE_LIMITS } from "./template/meter.ts";
export type { DecodeOptions, EncodeOptions, Tokenizer } from "./tokenizer.ts";
