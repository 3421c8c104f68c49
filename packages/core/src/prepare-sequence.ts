import type { Policy } from "@kvasir/kv-policies";
import type { Model } from "@kvasir/runtime";
import { StreamDecoder } from "@kvasir/tokenizer";
import type { CheckedRequest } from "./checked-request.ts";
import { EngineError } from "./engine-error.ts";
import type { GenerateRequest } from "./generate-request.ts";
import type { LoadedEngine } from "./load-engine.ts";
import { choosePolicy } from "./policy-choice.ts";
import { needTokenizer, promptIds } from "./prompt-ids.ts";
import { Sequence } from "./sequence.ts";

/**
 * Turns a request into a sequence: policy, prompt, room in the context, decoder. Throws `invalid-request` or
 * `context-length-exceeded`.
 */
export async function prepareSequence(
  request: GenerateRequest,
  checked: CheckedRequest,
  loaded: LoadedEngine,
): Promise<Sequence> {
  const { info, tokenizer, model } = loaded;
  const policy =
    request.kvCache !== undefined ? choosePolicy(request.kvCache, loaded, "invalid-request") : loaded.policy;
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
  return new Sequence({
    request: checked,
    policy,
    prompt,
    maxLength:
      prompt.length + (staysInside(policy, model, prompt.length, wanted) ? wanted : Math.min(wanted, room)),
    cyclic: model.layerMap.groups.length > 0,
    decoder: tokenizer && new StreamDecoder(tokenizer, { stop: checked.stop, skipSpecial: true }),
    vocabSize: tokenizer?.vocabSize ?? 0,
    eosIds: loaded.eosIds,
  });
}

/** Positions of a step are 32-bit. */
const lastPosition = 2 ** 31 - 1;

/** With positions inside the cache a generation may go over the context, where no head ever holds more than it. */
function staysInside(policy: Policy, { config, kvLayers }: Model, prompt: number, maxNew: number): boolean {
  if (policy.positions !== "cache" || !policy.evicts || prompt + maxNew > lastPosition) return false;
  return Array.from({ length: kvLayers }, (_, layer) =>
    policy.maximumResident({ layer, prompt, maxNew }),
  ).every(({ decode }) => decode <= config.maxPositions);
}
