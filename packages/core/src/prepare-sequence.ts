import { randomUUID } from "node:crypto";
import type { Policy } from "@kvasir/kv-policies";
import type { Model } from "@kvasir/runtime";
import type { CacheOwner } from "./cache-keys.ts";
import type { CheckedRequest } from "./checked-request.ts";
import type { EmbedRequest } from "./embed-request.ts";
import { EmbedSequence } from "./embed-sequence.ts";
import { EngineError } from "./engine-error.ts";
import type { PolicyChoice } from "./engine-options.ts";
import { FormatMask } from "./format-mask.ts";
import type { GenerateRequest } from "./generate-request.ts";
import { GenerateSequence } from "./generate-sequence.ts";
import type { LoadedEngine } from "./load-engine.ts";
import { choosePolicy } from "./policy-choice.ts";
import { needTokenizer, promptIds } from "./prompt-ids.ts";
import type { ScoreRequest } from "./score-request.ts";
import { ScoreSequence } from "./score-sequence.ts";
import type { SequenceOptions } from "./sequence.ts";
import { sharingOf } from "./sharing.ts";

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
  if (request.format !== undefined) needTokenizer(tokenizer, "format");
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
  const { owner, order, cachePrompt, promptLogprobs } = checked;
  const judged = promptLogprobs >= 0;
  const use = { policy, prompt, maxLength, owner, isOff: !cachePrompt, computesAll: judged };
  const options = sequenceOptions(use, loaded);
  // Each row of such a prompt has logits.
  const chunkTokens = judged
    ? Math.min(options.chunkTokens, promptRows(info.vocabSize))
    : options.chunkTokens;
  const format = await FormatMask.compiled(request, loaded.grammars);
  return new GenerateSequence({
    ...options,
    chunkTokens,
    order,
    request: checked,
    tokenizer,
    eosIds,
    format,
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
  const owner = { tenant: "", salt: "" };
  const use = { policy, prompt, maxLength, owner, isOff: false, computesAll: false };
  const order = { id: randomUUID(), session: undefined, priority: 0, retention: undefined };
  return new ScoreSequence({ ...sequenceOptions(use, loaded), order, continuation, logits, vocabSize });
}

/** The same for a prompt whose vector is wanted: nothing of it is evicted. */
export async function prepareEmbed(
  { pooling = "mean", normalize = true, ...request }: EmbedRequest,
  { order, owner }: Pick<CheckedRequest, "order" | "owner">,
  loaded: LoadedEngine,
): Promise<EmbedSequence> {
  const { info, tokenizer, model } = loaded;
  const policy = choosePolicy({ policy: "full" }, loaded, "invalid-request");
  const prompt = await promptIds(request, { tokenizer, vocabSize: info.vocabSize });
  if (prompt.length > info.maxPositions) {
    const message = `prompt: ${prompt.length} tokens do not fit a context of ${info.maxPositions}`;
    throw new EngineError("context-length-exceeded", message, "prompt");
  }
  const use = {
    policy,
    prompt,
    maxLength: prompt.length,
    owner,
    isOff: false,
    computesAll: pooling === "mean",
  };
  const options = sequenceOptions(use, loaded);
  const { hiddenSize } = model;
  const chunkTokens = Math.min(options.chunkTokens, promptRows(hiddenSize));
  return new EmbedSequence({ ...options, chunkTokens, order, pooling, normalize, hiddenSize });
}

type CacheUse = Pick<SequenceOptions, "policy" | "prompt" | "maxLength"> & {
  readonly owner: CacheOwner;
  readonly isOff: boolean;
  readonly computesAll: boolean;
};

/** How its steps are cut, and what of the cache it uses. */
function sequenceOptions(
  { policy, prompt, maxLength, owner, isOff, computesAll }: CacheUse,
  { model, limits, cacheKeys, prefixCache, tolerance }: LoadedEngine,
): Omit<SequenceOptions, "order"> {
  const { chunkTokens } = limits;
  const sharing = sharingOf({
    policy,
    model,
    promptLength: prompt.length,
    chunkTokens,
    tolerance,
    namespace: cacheKeys.namespace(owner),
    isOff: isOff || !prefixCache,
    computesAll,
  });
  const isCyclic = model.layerMap.groups.length > 0;
  const wholeChunks = cutsMatter(policy, model);
  return { policy, prompt, maxLength, wholeChunks, chunkTokens, replays: isCyclic || policy.evicts, sharing };
}

/** Rows of a prompt that have outputs in one step, each of `width` numbers: they are to take 64 MiB at most. */
const promptRows = (width: number): number => Math.max(1, Math.floor(2 ** 24 / width));

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
