import { z } from "zod";
import { chatSchema } from "../chat-request.ts";
import { completionSchema } from "../completion-request.ts";
import { embeddingSchema } from "../embedding-request.ts";
import { detokenizeSchema, tokenizeSchema } from "../token-request.ts";
import {
  chatAnswer,
  chatEvent,
  completionAnswer,
  detokenizeAnswer,
  embeddingAnswer,
  errorAnswer,
  modelAnswer,
  modelsAnswer,
  tokenizeAnswer,
} from "./answer-schemas.ts";
import {
  cacheLoadAnswer,
  cacheSaveAnswer,
  decodeHealthAnswer,
  fileBody,
  healthAnswer,
  propsAnswer,
  resetAnswer,
  slotAnswer,
  slotsAnswer,
} from "./operation-schemas.ts";

/** The document's schemas by name; those of requests are what checks them. */
export const schemas = {
  CompletionRequest: completionSchema,
  Completion: completionAnswer,
  ChatRequest: chatSchema,
  ChatCompletion: chatAnswer,
  ChatCompletionEvent: chatEvent,
  EmbeddingRequest: embeddingSchema,
  Embeddings: embeddingAnswer,
  TokenizeRequest: tokenizeSchema,
  Tokens: tokenizeAnswer,
  DetokenizeRequest: detokenizeSchema,
  Text: detokenizeAnswer,
  Model: modelAnswer,
  Models: modelsAnswer,
  Document: z.record(z.string(), z.unknown()),
  Health: healthAnswer,
  DecodeHealth: decodeHealthAnswer,
  Props: propsAnswer,
  Slots: slotsAnswer,
  File: fileBody,
  Slot: slotAnswer,
  CacheReset: resetAnswer,
  CacheSave: cacheSaveAnswer,
  CacheLoad: cacheLoadAnswer,
  Error: errorAnswer,
} as const satisfies Readonly<Record<string, z.ZodType>>;

export type SchemaName = keyof typeof schemas;
