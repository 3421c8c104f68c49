import path from "node:path";
import { modelPath } from "@kvasir/tiny-models";
import { expect, it } from "vitest";
import { runReadme } from "../../../.vitest/readme.ts";
import { readTensors } from "./safetensors.ts";

it("the README's example runs and predicts the recorded token", async () => {
  const { data } = readTensors(`${modelPath("tiny-lckv")}/expected.safetensors`).logits!;
  const last = data.slice(3 * 4096, 4 * 4096);
  // 3 KV layers of 4 heads: 32 keys and 32 values of 4 bytes, and 8 bytes of slot data.
  const next = last.indexOf(Math.max(...last));
  expect(await runReadme(path.join(import.meta.dirname, ".."))).toBe(
    `3168 bytes a token, then token ${next}\n`,
  );
});
