import { EventEmitter } from "node:events";
import OpenAI from "openai";
import { afterAll, beforeAll, expect, it, vi } from "vitest";
import { writeTinyGguf } from "../../../packages/core/tests/tiny-gguf.ts";
import { runCommand } from "../src/command.ts";
import { RealServer } from "./real-server.ts";

const messages = [{ role: "user" as const, content: "It was a dark night." }];
const greedy = { model: "any", temperature: 0, max_tokens: 16 };

let file: Awaited<ReturnType<typeof writeTinyGguf>>;
beforeAll(async () => {
  file = await writeTinyGguf("F32");
});
afterAll(() => file[Symbol.dispose]());

/** The same questions to each: a prompt, and a conversation in a stream. */
async function ask(openai: OpenAI): Promise<string[]> {
  const [model] = (await openai.models.list()).data;
  const named = { ...greedy, model: model!.id };
  const whole = await openai.completions.create({ ...named, prompt: "Once upon a time" });
  let chat = "";
  const stream = await openai.chat.completions.create({ ...named, messages, stream: true });
  for await (const chunk of stream) chat += chunk.choices[0]?.delta.content ?? "";
  return [whole.choices[0]!.text, chat];
}

it.each([
  ["a GGUF file", () => ({ model: file.path })],
  ["a folder that is quantised while it loads", () => ({ weights: "q8_0" as const })],
])("answers OpenAI's client from %s as the engine answers", async (_, options) => {
  const server = await RealServer.start(options());
  const answers = await ask(server.openai);
  const alone = { maxTokens: greedy.max_tokens, temperature: 0 };
  const whole = await server.engine.complete({ ...alone, prompt: "Once upon a time" });
  const chat = await server.engine.complete({ ...alone, messages });
  expect(answers).toEqual([whole.text, chat.text]);
  expect(answers.map((text) => text.length > 10)).toEqual([true, true]);
  await server.stop();
});

it("kvasir-server --model of a GGUF file says the type of its weights, and answers", async () => {
  const signals = new EventEmitter();
  const written = { out: "", err: "" };
  const exit = runCommand(["--model", file.path, "--port", "0", "--kv-memory", "16MiB"], {
    stdout: { isTTY: true, write: (text) => (written.out += text) },
    stderr: { write: (text) => (written.err += text) },
    signals,
  });
  const url = await vi.waitFor(
    () => /http:\/\/127\.0\.0\.1:\d+/.exec(written.out)?.[0] ?? expect.fail(written.out + written.err),
    { timeout: 30_000 },
  );
  expect(written.out).toMatch(/tiny\.gguf \(llama\), \d+\.\d MiB of weights in q8_0/);
  const openai = new OpenAI({ baseURL: `${url}/v1`, apiKey: "none", maxRetries: 0 });
  expect((await ask(openai))[0]!.length).toBeGreaterThan(10);
  signals.emit("SIGTERM");
  expect(await exit).toBe(0);
});

it("kvasir-server --weights quantises a folder, and refuses what does not fit in one line", async () => {
  const start = async (...args: string[]) => {
    const signals = new EventEmitter();
    const written = { out: "", err: "" };
    const exit = runCommand([...args, "--port", "0", "--kv-memory", "16MiB", "--log-format", "json"], {
      stdout: { write: (text) => (written.out += text) },
      stderr: { write: (text) => (written.err += text) },
      signals,
    });
    const ended = exit.then(() => true);
    await Promise.race([ended, vi.waitFor(() => expect(written.out).toContain("listening"), 30_000)]);
    signals.emit("SIGTERM");
    return { code: await exit, ...written };
  };
  const quantised = await start("--weights", "q4_0");
  expect(quantised.code).toBe(0);
  const lines = quantised.out.trim().split("\n");
  const { engine } = JSON.parse(lines.find((line) => line.includes("listening"))!) as { engine: object };
  expect(engine).toMatchObject({ weightDtypes: ["q4_0"], weightBytes: expect.any(Number) });
  const refused = await start("--model", file.path, "--weights", "q8_0");
  expect(refused).toMatchObject({ code: 1, out: "" });
  expect(refused.err).toMatch(/^kvasir-server: .*blk\.0\.\w+\.weight" is q8_0 already.*\n$/);
});
