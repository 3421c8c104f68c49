import { randomUUID } from "node:crypto";
import type { Embedding, EmbedRequest } from "@kvasir/core";
import type { Handler } from "hono";
import { AnswerLog } from "./answer-log.ts";
import type { AppEnv } from "./app-env.ts";
import { forTenant } from "./authorization.ts";
import { type EmbeddingRequest, parseEmbeddingRequest } from "./embedding-request.ts";
import type { EngineLike } from "./engine-like.ts";
import { checkModel, type GenerationContext } from "./generation-route.ts";
import { readJsonObject } from "./request-body.ts";
import { invalidValue } from "./request-error.ts";

/** Inputs of one request that the engine has at once: the others' room in its queue is not for one client. */
const atOnce = 16;

/** `POST /v1/embeddings`: a vector for each input. */
export function embeddingRoute(context: GenerationContext): Handler<AppEnv> {
  return async (c) => {
    const { engine, limits } = context;
    const request = parseEmbeddingRequest(await readJsonObject(c.req.raw, context.bodyLimit), limits);
    const model = checkModel(request.model, engine.info.model);
    const flight = context.inFlight.begin(c.req.raw.signal);
    const id = `embd-${randomUUID().replaceAll("-", "")}`;
    const log = new AnswerLog(context.logger, c, id, { stream: false, fieldNames: { prompt: "input" } });
    try {
      const origin = forTenant(c, { signal: flight.signal });
      const vectors = await embedAll(
        engine,
        request.inputs.map((input, at) => ({ ...input, ...origin, id: `${id}-${at}` })),
        request.dimensions,
      );
      const promptTokens = vectors.reduce((sum, vector) => sum + vector.promptTokens, 0);
      log.ended({ usage: { promptTokens, completionTokens: 0, cachedTokens: 0 } });
      return c.json({
        object: "list",
        data: vectors.map(({ vector }, index) => ({
          object: "embedding",
          index,
          embedding: vectorBody(vector, request),
        })),
        model,
        usage: { prompt_tokens: promptTokens, total_tokens: promptTokens },
      });
    } catch (error) {
      throw log.failed(error);
    } finally {
      flight.end();
    }
  };
}

async function embedAll(
  engine: EngineLike,
  requests: readonly EmbedRequest[],
  dimensions: number | undefined,
): Promise<readonly Embedding[]> {
  const vectors: Embedding[] = [];
  let next = 0;
  const work = async () => {
    while (next < requests.length) {
      const at = next;
      next += 1;
      const embedding = await engine.embed(requests[at]!);
      checkDimensions(embedding, dimensions);
      vectors[at] = embedding;
    }
  };
  await Promise.all(Array.from({ length: atOnce }, work));
  return vectors;
}

function checkDimensions({ vector }: Embedding, dimensions: number | undefined): void {
  if (dimensions === undefined || dimensions === vector.length) return;
  throw invalidValue(
    "dimensions",
    `expected ${vector.length}, which this model's vectors have, received ${dimensions}`,
  );
}

/** Little-endian floats in base64, as OpenAI's client reads them. */
function vectorBody(vector: Float32Array, { base64 }: EmbeddingRequest): string | readonly number[] {
  if (!base64) return Array.from(vector);
  return Buffer.from(vector.buffer, vector.byteOffset, vector.byteLength).toString("base64");
}
