import type { Operation } from "./operation.ts";

/** Of whatever reads a body. */
const bodyErrors = [400, 404, 413, 415] as const;
const generationErrors = [...bodyErrors, 429, 503, 504] as const;

const tool = {
  type: "function",
  function: {
    name: "get_weather",
    parameters: { type: "object", properties: { city: { type: "string" } }, required: ["city"] },
  },
};

/** The routes on which the model, or its tokenizer, works. */
export const inferenceOperations: readonly Operation[] = [
  {
    method: "post",
    path: "/v1/completions",
    summary: "A continuation of a prompt, or of several",
    tag: "generation",
    access: "key",
    body: {
      schema: "CompletionRequest",
      examples: {
        text: { prompt: "Once upon a time", max_tokens: 48 },
        "a smaller cache": {
          prompt: "The old man said",
          max_tokens: 24,
          seed: 7,
          kv_cache: { policy: "l2-norm", budget: 0.5 },
        },
      },
    },
    answers: { 200: { description: "The continuation", schema: "Completion", events: "Completion" } },
    errors: generationErrors,
  },
  {
    method: "post",
    path: "/v1/chat/completions",
    summary: "The next message of a conversation",
    tag: "generation",
    access: "key",
    body: {
      schema: "ChatRequest",
      examples: {
        stream: {
          messages: [{ role: "user", content: "Hello!" }],
          stream: true,
          stream_options: { include_usage: true },
        },
        tools: {
          messages: [{ role: "user", content: "Weather in Oslo?" }],
          tools: [tool],
          tool_choice: "required",
        },
        "a schema": {
          messages: [{ role: "user", content: "A name?" }],
          response_format: {
            type: "json_schema",
            json_schema: { name: "name", schema: { type: "string", maxLength: 20 } },
          },
        },
      },
    },
    answers: { 200: { description: "The message", schema: "ChatCompletion", events: "ChatCompletionEvent" } },
    errors: generationErrors,
  },
  {
    method: "post",
    path: "/v1/embeddings",
    summary: "A vector for each text",
    tag: "generation",
    access: "key",
    body: { schema: "EmbeddingRequest", examples: { texts: { input: ["a cat", "a dog"] } } },
    answers: { 200: { description: "The vectors", schema: "Embeddings" } },
    errors: generationErrors,
  },
  {
    method: "post",
    path: "/tokenize",
    summary: "Text to token ids",
    tag: "tokens",
    access: "key",
    body: {
      schema: "TokenizeRequest",
      examples: {
        text: { prompt: "Hello", return_token_strs: true },
        conversation: { messages: [{ role: "user", content: "Hello!" }] },
      },
    },
    answers: { 200: { description: "The ids", schema: "Tokens" } },
    errors: [...bodyErrors, 501],
  },
  {
    method: "post",
    path: "/detokenize",
    summary: "Token ids to text",
    tag: "tokens",
    access: "key",
    body: { schema: "DetokenizeRequest", examples: { ids: { tokens: [1, 2, 3] } } },
    answers: { 200: { description: "The text", schema: "Text" } },
    errors: [...bodyErrors, 501],
  },
];
