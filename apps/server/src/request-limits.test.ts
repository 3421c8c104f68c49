import { expect, it } from "vitest";
import { fakeTokenizer } from "../tests/fake-tokenizer.ts";
import { ApiError } from "./api-error.ts";
import { checkCost, checkText, type RequestCost, requestLimits } from "./request-limits.ts";

const info = { maxPositions: 131_072, policy: "full" } as Parameters<typeof requestLimits>[0]["info"];
const limits = requestLimits({ info, tokenizer: fakeTokenizer });

it("no text can fit that has more bytes than all tokens of the context", () => {
  expect(limits.promptBytes).toBe(131_072 * "<s>".length);
  expect(() => checkText(["é".repeat(100_000), "a".repeat(193_216)], "messages", limits)).not.toThrow();
  expect(() => checkText(["é".repeat(100_000), "a".repeat(193_217)], "messages", limits)).toThrow(
    "messages: 393217 bytes of text can not fit a context of 131072 tokens",
  );
  expect(requestLimits({ info, tokenizer: undefined }).promptBytes).toBe(Number.POSITIVE_INFINITY);
});

const cost = { choices: 1, maxTokens: undefined, logprobs: undefined, prompt: false, kvCache: undefined };
it.each<[Partial<RequestCost>, string | undefined]>([
  [{}, undefined],
  [{ logprobs: 20 }, undefined],
  [{ choices: 32 }, undefined],
  [{ choices: 33 }, "n"],
  [{ choices: 128, maxTokens: 32_768 }, undefined],
  [{ choices: 128, maxTokens: 32_768, logprobs: 0 }, undefined],
  [{ choices: 128, maxTokens: 32_768, logprobs: 1 }, "n"],
  [{ maxTokens: 10_000_000, logprobs: 20 }, undefined],
  [{ logprobs: 20, prompt: true }, "logprobs"],
  [{ maxTokens: 10_000_000, kvCache: { policy: "h2o" } }, undefined],
  [{ maxTokens: 10_000_000, kvCache: { policy: "streaming-llm" } }, "logprobs"],
])("%j is refused for %s", (more, param) => {
  const check = () => {
    try {
      checkCost({ ...cost, ...more }, "logprobs", limits);
      return undefined;
    } catch (error) {
      return error instanceof ApiError ? error.param : error;
    }
  };
  expect(check()).toBe(param);
});
