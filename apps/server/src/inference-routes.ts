import { Hono } from "hono";
import type { AppEnv } from "./app-env.ts";
import { chatFormat } from "./chat-format.ts";
import { parseChatRequest } from "./chat-request.ts";
import { completionFormat } from "./completion-format.ts";
import { parseCompletionRequest } from "./completion-request.ts";
import { embeddingRoute } from "./embedding-route.ts";
import { type GenerationContext, generationRoute } from "./generation-route.ts";
import { tokenRoutes } from "./token-routes.ts";

/** The routes on which the model, or its tokenizer, works. */
export function inferenceRoutes(context: GenerationContext): Hono<AppEnv> {
  const hono = new Hono<AppEnv>();
  hono.post(
    "/v1/completions",
    generationRoute({ idPrefix: "cmpl", parse: parseCompletionRequest, format: completionFormat }, context),
  );
  hono.post(
    "/v1/chat/completions",
    generationRoute({ idPrefix: "chatcmpl", parse: parseChatRequest, format: chatFormat }, context),
  );
  hono.post("/v1/embeddings", embeddingRoute(context));
  hono.route("/", tokenRoutes(context));
  return hono;
}
