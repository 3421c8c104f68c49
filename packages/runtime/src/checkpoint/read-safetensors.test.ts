import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { encodeSafetensors, f32, halves } from "./encode-safetensors.ts";
import { readSafetensors } from "./read-safetensors.ts";

let folder: string;
let path: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "kvasir-safetensors-"));
  path = join(folder, "expected.safetensors");
  const tensors = {
    ids: { dtype: "U8", shape: [1], data: Uint8Array.of(1) },
    logits: f32([2, 2], [1.5, -2, 1e-30, Number.POSITIVE_INFINITY]),
    // 1, -2, the least and greatest subnormals, the greatest number, infinity, not a number, -0
    half: halves("F16", [8], [0x3c00, 0xc000, 0x0001, 0x03ff, 0x7bff, 0x7c00, 0x7e00, 0x8000]),
    brain: halves("BF16", [4], [0x3f80, 0xc000, 0x7f80, 0x0001]),
  };
  writeFileSync(path, encodeSafetensors(tensors));
});

afterAll(() => rmSync(folder, { recursive: true }));

it("reads F32, wherever in the file it lies", async () => {
  const { shape, data } = await readSafetensors(path, "logits");
  expect(shape).toEqual([2, 2]);
  expect([...data]).toEqual([1.5, -2, Math.fround(1e-30), Number.POSITIVE_INFINITY]);
});

it("reads F16 and BF16 exactly", async () => {
  const half = await readSafetensors(path, "half");
  expect([...half.data]).toEqual([
    1,
    -2,
    2 ** -24,
    1023 * 2 ** -24,
    65504,
    Number.POSITIVE_INFINITY,
    Number.NaN,
    -0,
  ]);
  const brain = await readSafetensors(path, "brain");
  expect([...brain.data]).toEqual([1, -2, Number.POSITIVE_INFINITY, 2 ** -133]);
});

it("names what is missing or in another format", async () => {
  await expect(readSafetensors(path, "x")).rejects.toMatchObject({ code: "missing-tensor", tensor: "x" });
  await expect(readSafetensors(path, "ids")).rejects.toMatchObject({
    code: "unsupported-dtype",
    tensor: "ids",
  });
  await expect(readSafetensors(`${path}.gone`, "x")).rejects.toMatchObject({ code: "not-found" });
  await expect(readSafetensors(folder, "x")).rejects.toMatchObject({ code: "io" });
});
