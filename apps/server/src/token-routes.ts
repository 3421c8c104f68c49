import { setImmediate } from "node:timers/promises";
import { Hono } from "hono";
import { ApiError } from "./api-error.ts";
import type { AppEnv } from "./app-env.ts";
import type { EngineLike, EngineTokenizer } from "./engine-like.ts";
import type { TokenIds } from "./field.ts";
import { checkModel, type GenerationContext } from "./generation-route.ts";
import { readJsonObject } from "./request-body.ts";
import { invalidValue } from "./request-error.ts";
import { parseDetokenizeRequest, parseTokenizeRequest, type TokenizeRequest } from "./token-request.ts";
import { tokenText } from "./token-text.ts";

/** `POST /tokenize` and `POST /detokenize`: text to ids and back, without running the model. */
export function tokenRoutes({ engine, bodyLimit }: GenerationContext): Hono<AppEnv> {
  const hono = new Hono<AppEnv>();
  hono.post("/tokenize", async (c) => {
    const request = parseTokenizeRequest(await readJsonObject(c.req.raw, bodyLimit));
    checkModel(request.model, engine.info.model);
    const tokens = await encode(engine, request);
    return c.json({
      count: tokens.length,
      max_model_len: engine.info.maxPositions,
      tokens: Array.from(tokens),
      token_strs: request.tokenStrings ? await tokenStrings(tokenizerOf(engine), tokens) : null,
    });
  });
  hono.post("/detokenize", async (c) => {
    const { tokens, model } = parseDetokenizeRequest(await readJsonObject(c.req.raw, bodyLimit));
    checkModel(model, engine.info.model);
    return c.json({ prompt: await textOf(tokenizerOf(engine), tokens) });
  });
  return hono;
}

async function encode(engine: EngineLike, request: TokenizeRequest): Promise<Int32Array> {
  const { prompt } = request.encode;
  if (typeof prompt === "string" && !(request.addSpecial && engine.encode)) {
    // As the engine reads a prompt: what spells a special token in it is text.
    const options = { addSpecial: request.addSpecial, parseSpecial: false };
    return tokenizerOf(engine)
      .encodeAsync(prompt, options)
      .catch((cause: unknown) => {
        const message = "prompt: the vocabulary can not spell it";
        throw new ApiError(400, "invalid_value", message, { param: "prompt", cause });
      });
  }
  if (engine.encode) return engine.encode(request.encode);
  throw new ApiError(501, "not_supported", "this engine does not say what a conversation becomes");
}

function tokenizerOf({ tokenizer }: EngineLike): EngineTokenizer {
  if (tokenizer) return tokenizer;
  throw new ApiError(501, "not_supported", "this checkpoint has no tokenizer");
}

/** Tokens that are worked on before others get their turn. */
const slice = 4096;

async function tokenStrings(tokenizer: EngineTokenizer, tokens: Int32Array): Promise<string[]> {
  const strings: string[] = [];
  for (const [at, id] of tokens.entries()) {
    if (at % slice === slice - 1) await setImmediate();
    strings.push(tokenText(tokenizer.tokenBytes(id)));
  }
  return strings;
}

/** Special tokens are spelled out, so that nothing is lost. */
async function textOf(tokenizer: EngineTokenizer, tokens: TokenIds): Promise<string> {
  const unknown = tokens.find((id) => id >= tokenizer.vocabSize);
  if (unknown !== undefined) {
    throw invalidValue(
      "tokens",
      `expected token ids in [0, ${tokenizer.vocabSize - 1}], received ${unknown}`,
    );
  }
  const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  let text = "";
  for (const [at, id] of tokens.entries()) {
    if (at % slice === slice - 1) await setImmediate();
    text += decoder.decode(tokenizer.tokenBytes(id), { stream: true });
  }
  text += decoder.decode();
  return tokenizer.leadingSpace && text.startsWith(" ") ? text.slice(1) : text;
}
