import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { chatSchema } from "../src/chat-request.ts";
import { completionSchema } from "../src/completion-request.ts";
import { embeddingSchema } from "../src/embedding-request.ts";
import { kvCacheFields } from "../src/kv-cache-field.ts";
import { detokenizeSchema, tokenizeSchema } from "../src/token-request.ts";
import { AppClient, chat, completions, errorOf, hello } from "./app-client.ts";

const page = readFileSync(path.join(import.meta.dirname, "../../../docs/server.md"), "utf8");
const section = (heading: string) => page.split(`\n## ${heading}\n`)[1]!.split("\n## ")[0]!;

/** The first cells of the table that stands under a sentence. */
function fieldsUnder(sentence: string): string[] {
  const table = section("Fields").split(`${sentence}\n\n`)[1]!.split("\n\n")[0]!;
  return [...table.matchAll(/^\| (`.*?) +\|/gm)].flatMap(([, cell]) =>
    [...cell!.matchAll(/`([^`]+)`/g)].map(([, name]) => name!),
  );
}

const harmless = fieldsUnder(
  "These are accepted where they ask for what happens anyway, and refused with any other value:",
);
const shared = fieldsUnder("Fields of both `/v1/completions` and `/v1/chat/completions`:");

describe("docs/server.md", () => {
  it.each<[string, readonly string[], Readonly<Record<string, unknown>>]>([
    ["`/v1/completions` alone:", [...shared, "user", "prompt_cache_key"], completionSchema.shape],
    ["`/v1/chat/completions` alone:", [...shared, ...harmless], chatSchema.shape],
    ["`kv_cache` is an object of:", [], kvCacheFields],
    ["`/v1/embeddings`:", [], embeddingSchema.shape],
    ["`/tokenize`:", [], tokenizeSchema.shape],
    ["`/detokenize`:", [], detokenizeSchema.shape],
  ])("names every field of %s and no other", (sentence, others, shape) => {
    expect([...others, ...fieldsUnder(sentence)].sort()).toEqual(Object.keys(shape).sort());
  });

  it("names only fields of which a wrong value is refused by their name", async () => {
    const client = new AppClient();
    for (const field of new Set([...shared, ...harmless])) {
      for (const [route, body] of [
        [completions, { prompt: "a" }],
        [chat, hello],
      ] as const) {
        const error = await errorOf(await client.post(route, { ...body, [field]: { wrong: {} } }));
        expect(error.param?.startsWith(field), `${field}: ${error.param}`).toBe(true);
      }
    }
  });

  it("names every code of an error that the sources have", () => {
    const sources = new URL("../src/", import.meta.url);
    const codes = readdirSync(sources, { recursive: true, encoding: "utf8" })
      .filter((file) => file.endsWith(".ts"))
      .map((file) => readFileSync(new URL(file, sources), "utf8"))
      .flatMap((source) => [...source.matchAll(/new ApiError\(\s*\d{3},\s*"([a-z_]+)"/g)])
      .map((match) => match[1]);
    expect(codes.length).toBeGreaterThan(15);
    for (const code of codes) expect(section("Errors")).toContain(`\`${code}\``);
  });
});
