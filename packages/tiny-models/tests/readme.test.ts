import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it, vi } from "vitest";

it("the example in the README runs and prints both models", async () => {
  const readme = readFileSync(new URL("../README.md", import.meta.url), "utf8");
  const example = /```ts\n([\s\S]*?)```/.exec(readme)?.[1] ?? "";
  const folder = mkdtempSync(join(tmpdir(), "tiny-models-readme-"));
  const log = vi.spyOn(console, "log").mockImplementation(() => {});
  try {
    const source = new URL("../src/index.ts", import.meta.url).pathname;
    writeFileSync(
      join(folder, "example.ts"),
      example.replace('"@kvasir/tiny-models"', JSON.stringify(source)),
    );
    await import(join(folder, "example.ts"));
    expect(log.mock.calls).toEqual([
      ["tiny: 8 layers, map standard"],
      ["tiny-lckv: 8 layers, map 0_6_6_6_6_6_6_7"],
    ]);
  } finally {
    log.mockRestore();
    rmSync(folder, { recursive: true });
  }
});
