import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { toolFormatOf } from "./tool-format.ts";

const folder = path.join(import.meta.dirname, "../../../../shared/third-party/templates");
const absent = !existsSync(folder);
const reason = absent ? " (skipped: ../shared/third-party is not here)" : "";

describe.skipIf(absent)(`published templates${reason}`, () => {
  it.each([
    ["Qwen-Qwen2.5-7B-Instruct", "hermes"],
    ["Qwen-Qwen3-0.6B", "hermes"],
    ["HuggingFaceTB-SmolLM3-3B", undefined],
    ["meta-llama-Llama-3.1-8B-Instruct", "llama"],
    ["mistralai-Mistral-Nemo-Instruct-2407", "mistral"],
    ["deepseek-ai-DeepSeek-V3.1", "deepseek"],
    ["openai-gpt-oss-120b", "json"],
    ["google-gemma-2-2b-it", undefined],
    ["microsoft-Phi-3.5-mini-instruct", undefined],
  ])("%s writes calls like %s", (name, format) => {
    expect(toolFormatOf(readFileSync(path.join(folder, `${name}.jinja`), "utf8"))?.name).toBe(format);
  });
});

it("a template that speaks of tools in its own way has plain JSON, and one that does not has none", () => {
  expect(toolFormatOf("{% for tool in tools %}{{ tool | tojson }}{% endfor %}")?.name).toBe("json");
  expect(toolFormatOf("{% for message in messages %}{{ message.content }}{% endfor %}")).toBeUndefined();
});
