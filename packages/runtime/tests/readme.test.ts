import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, it, vi } from "vitest";
import { readTensors } from "./safetensors.ts";

const at = (path: string) => fileURLToPath(new URL(path, import.meta.url));

it("the example in the README runs and predicts the recorded token", async () => {
  const example = /```ts\n([\s\S]*?)```/.exec(readFileSync(at("../README.md"), "utf8"))?.[1] ?? "";
  const folder = mkdtempSync(join(tmpdir(), "kvasir-readme-"));
  const log = vi.spyOn(console, "log").mockImplementation(() => {});
  try {
    const local = example
      .replace('"@kvasir/runtime"', JSON.stringify(at("../src/index.ts")))
      .replace('"tests/checkpoints/lckv-w2"', JSON.stringify(at("checkpoints/lckv-w2")));
    writeFileSync(join(folder, "example.ts"), local);
    await import(join(folder, "example.ts"));
    const logits = readTensors(at("checkpoints/lckv-w2/expected.safetensors")).logits!.data.slice(
      3 * 320,
      4 * 320,
    );
    // 3 KV layers of 2 heads: 16 keys and 16 values of 4 bytes, and 8 bytes of slot data.
    const next = logits.indexOf(Math.max(...logits));
    expect(log.mock.calls).toEqual([[`816 bytes a token, then token ${next}`]]);
  } finally {
    log.mockRestore();
    rmSync(folder, { recursive: true });
  }
});
