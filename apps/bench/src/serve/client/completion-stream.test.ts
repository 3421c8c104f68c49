import fc from "fast-check";
import { expect, test } from "vitest";
import { CompletionStream } from "./completion-stream.ts";

const event = (body: unknown) => `data: ${JSON.stringify(body)}\n\n`;
const chat = (content: string) => event({ choices: [{ index: 0, delta: { content } }] });
const stream = [
  event({ choices: [{ index: 0, delta: { role: "assistant", content: "" } }] }),
  chat("Zwölf "),
  ": keep-alive\n\n",
  chat("🐺"),
  chat("e."),
  event({ choices: [{ index: 0, delta: {}, finish_reason: "stop" }] }),
  event({
    choices: [],
    usage: { prompt_tokens: 9, completion_tokens: 4, prompt_tokens_details: { cached_tokens: 3 } },
  }),
  "data: [DONE]\n\n",
].join("");

test("a stream reads the same wherever its bytes are cut", () => {
  const bytes = new TextEncoder().encode(stream);
  fc.assert(
    fc.property(fc.array(fc.nat(bytes.length), { maxLength: 12 }), (cuts) => {
      const places = [0, ...cuts.toSorted((a, b) => a - b), bytes.length];
      const read = new CompletionStream();
      for (let i = 1; i < places.length; i++) read.feed(bytes.subarray(places[i - 1], places[i]), i);
      expect(read).toMatchObject({
        text: "Zwölf 🐺e.",
        finishReason: "stop",
        usage: { prompt: 9, output: 4, cached: 3 },
        done: true,
      });
      expect(read.times).toHaveLength(3);
      expect(read.times).toEqual(read.times.toSorted((a, b) => a - b));
    }),
  );
});

test("text of completions, reasoning and tool calls count as output, and nothing else does", () => {
  const read = new CompletionStream();
  const feed = (body: unknown, now: number) => read.feed(new TextEncoder().encode(event(body)), now);
  feed({ choices: [{ text: "" }] }, 1);
  feed({ choices: [{ text: "a" }] }, 2);
  feed({ choices: [{ delta: { reasoning_content: "b" } }] }, 3);
  feed({ choices: [{ delta: { tool_calls: [{ index: 0 }] } }] }, 4);
  feed({ choices: [] }, 5);
  expect(read.times).toEqual([2, 3, 4]);
  expect(read.text).toBe("ab");
});

test("an error among the events is kept, and what is no JSON is thrown", () => {
  const read = new CompletionStream();
  read.feed(new TextEncoder().encode(event({ error: { message: "m", code: "out_of_pages" } })), 1);
  expect(read.error).toBe("out_of_pages");
  expect(() => read.feed(new TextEncoder().encode("data: {\n\n"), 2)).toThrow(SyntaxError);
});
