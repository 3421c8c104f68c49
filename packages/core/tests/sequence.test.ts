import { createPolicy } from "@kvasir/kv-policies";
import { modelPath } from "@kvasir/tiny-models";
import { loadTokenizer } from "@kvasir/tokenizer";
import { expect, test } from "vitest";
import { checkRequest } from "../src/checked-request.ts";
import { GenerateSequence } from "../src/generate-sequence.ts";
import type { GenerateChunk } from "../src/generation.ts";
import { tokenLogprob } from "../src/token-logprob.ts";

const tokenizer = await loadTokenizer(modelPath("tiny"));
const policy = createPolicy("full", {}, { layers: 1, heads: 1, pageTokens: 16, signals: [] });

function sequence(fields: { maxTokens: number; stop?: string; ignoreEos?: boolean }): GenerateSequence {
  const prompt = tokenizer.encode("A");
  const request = checkRequest({ prompt, ...fields }, 8192);
  return new GenerateSequence({
    request,
    policy,
    prompt,
    maxLength: prompt.length + fields.maxTokens,
    wholeChunks: false,
    chunkTokens: 512,
    replays: false,
    sharing: { namespace: "", most: 0, grid: 1, limit: "off", stores: "nothing" },
    order: request.order,
    tokenizer,
    eosIds: [1],
  });
}

async function accept(one: GenerateSequence, ids: Iterable<number>): Promise<GenerateChunk[]> {
  const logprobs = new Float32Array(1);
  for (const id of ids) if (one.accept({ tokens: Int32Array.of(id), logprobs, top: [] }, 0)) break;
  one.queue.end();
  const chunks: GenerateChunk[] = [];
  for await (const chunk of one.queue) chunks.push(chunk);
  return chunks;
}

const text = (chunks: readonly GenerateChunk[]) => chunks.map((chunk) => chunk.text).join("");
const ids = tokenizer.encode(" long road and a short one", { addSpecial: false });

test("a row of the embedding that no token has is counted, and has neither text nor bytes", async () => {
  const chunks = await accept(sequence({ maxTokens: 3 }), [ids[0]!, 5000, ids[1]!]);
  expect(text(chunks)).toBe(tokenizer.decode([ids[0]!, ids[1]!], { continuation: true }));
  expect(chunks.at(-1)).toMatchObject({ finishReason: "length", usage: { completionTokens: 3 } });
  const top = { ids: Int32Array.of(5000), logprobs: Float32Array.of(-1) };
  expect(tokenLogprob(tokenizer, 5000, -1, top)).toMatchObject({ bytes: new Uint8Array(0) });
});

test("end of sequence ends the answer without text, unless it is to be ignored", async () => {
  const some = [...ids.subarray(0, 2), 1, ...ids.subarray(2)];
  const ended = await accept(sequence({ maxTokens: 20 }), some);
  expect(ended).toHaveLength(3);
  expect(ended.at(-1)).toMatchObject({ text: "", finishReason: "stop", usage: { completionTokens: 3 } });
  const ignored = await accept(sequence({ maxTokens: some.length, ignoreEos: true }), some);
  expect(text(ignored)).toBe(tokenizer.decode(ids, { continuation: true }));
});

test("the piece in which a stop string completes names it and holds only what is before it", async () => {
  const chunks = await accept(sequence({ maxTokens: 20, stop: "nd a sh" }), ids);
  expect(text(chunks)).toBe(" long road a");
  expect(chunks.at(-1)).toMatchObject({ finishReason: "stop", stopString: "nd a sh" });
});

test("a stop string that the end of the answer completes is one", async () => {
  const unfinished = [...tokenizer.encode("🦙", { addSpecial: false })].slice(0, -1);
  const chunks = await accept(sequence({ maxTokens: unfinished.length, stop: "\ufffd" }), unfinished);
  expect(text(chunks)).not.toContain("\ufffd");
  expect(chunks.at(-1)).toMatchObject({ finishReason: "stop", stopString: "\ufffd" });
});
