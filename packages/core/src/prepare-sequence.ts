import type { Policy } from "@kvasir/kv-policies";
import type { Model } from "@kvasir/runtime";
import type { CheckedRequest } from "./checked-request.ts";
import { EngineError } from "./engine-error.ts";
import type { PolicyChoice } from "./engine-options.ts";
import type { GenerateRequest } from "./generate-request.ts";
import { GenerateSequence } from "./generate-sequence.ts";
import type { LoadedEngine } from "./load-engine.ts";
import { choosePolicy } from "./policy-choice.ts";
import { needTokenizer, promptIds } from "./prompt-ids.ts";
import type { ScoreRequest } from "./score-request.ts";
import { ScoreSequence } from "./score-sequence.ts";

/**
 * Turns a request into a sequence: policy, prompt, room in the context, decoder. Throws `invalid-request` or
 * `context-length-exceeded`.
 */
export async function prepareSequence(
  request: GenerateRequest,
  checked: CheckedRequest,
  loaded: LoadedEngine,
): Promise<GenerateSequence> {
  const { info, tokenizer, model, eosIds } = loaded;
  const policy = policyOf(request.kvCache, loaded);
  if (checked.stop.length > 0) needTokenizer(tokenizer, "stop");
  const prompt = await promptIds(request, { tokenizer, vocabSize: info.vocabSize });
  const room = info.maxPositions - prompt.length;
  if (room < 1) {
    throw new EngineError(
      "context-length-exceeded",
      `prompt: ${prompt.length} tokens, and one more to generate, do not fit a context of ${info.maxPositions}`,
      request.messages ? "messages" : "prompt",
    );
  }
  const wanted = checked.maxTokens ?? room;
  const fits = wanted <= room || staysInside(policy, model, prompt.length, wanted);
  const maxLength = prompt.length + (fits ? wanted : room);
  return new GenerateSequence({
    request: checked,
    policy,
    prompt,
    maxLength,
    wholeChunks: cutsMatter(policy, model),
    tokenizer,
    eosIds,
  });
}

/** The same for a continuation that is given. */
export async function prepareScore(
  { prompt: asked, kvCache, logits = false }: ScoreRequest,
  continuation: Int32Array,
  loaded: LoadedEngine,
): Promise<ScoreSequence> {
  const { info, tokenizer, model } = loaded;
  const { vocabSize, maxPositions } = info;
  const policy = policyOf(kvCache, loaded);
  const prompt = await promptIds({ prompt: asked }, { tokenizer, vocabSize });
  const maxLength = prompt.length + continuation.length;
  if (maxLength > maxPositions && !staysInside(policy, model, prompt.length, continuation.length)) {
    const field = prompt.length > maxPositions ? "prompt" : "continuation";
    throw new EngineError(
      "context-length-exceeded",
      `${field}: ${prompt.length} tokens of prompt and ${continuation.length} to score do not fit a context of ${maxPositions}`,
      field,
    );
  }
  const wholeChunks = cutsMatter(policy, model);
  return new ScoreSequence({ policy, prompt, maxLength, wholeChunks, continuation, logits, vocabSize });
}

function policyOf(choice: PolicyChoice | undefined, loaded: LoadedEngine): Policy {
  return choice === undefined ? loaded.policy : choosePolicy(choice, loaded, "invalid-request");
}

/**
 * Whether a sequence's results depend on where its prompt is cut: keys and values do with a cyclic map, what a
 * policy sees with evictions after chunks, and where several layers add attention up in one place, in what order.
 */
function cutsMatter({ evicts, options, collects }: Policy, { layerMap }: Model): boolean {
  if (layerMap.groups.length > 0) return true;
  const isShared = layerMap.kvSources.length < layerMap.layers.length;
  return evicts && (options.prefill === "chunk" || (collects !== undefined && isShared));
}

/** Positions of a step are 32-bit. */
const lastPosition = 2 ** 31 - 1;

/** With positions inside the cache a generation may go over the context, where no head ever holds more than it. */
function staysInside(policy: Policy, { config, kvLayers }: Model, prompt: number, maxNew: number): boolean {
  if (policy.positions !== "cache" || !policy.evicts || prompt + maxNew > lastPosition) return false;
  return Array.from({ length: kvLayers }, (_, layer) =>
    policy.maximumResident({ layer, prompt, maxNew }),
  ).every(({ prefill, decode }) => Math.max(prefill, decode) <= config.maxPositions);
}
