import { readFile } from "node:fs/promises";
import path from "node:path";
import { readSafetensors } from "@kvasir/runtime";

/** What a checkpoint is to be compared with: `expected.json` and `expected.safetensors` beside its weights. */
export type Recorded = {
  readonly prompt: Int32Array;
  readonly greedy: readonly number[];
  /** [prompt, vocabSize] */
  readonly logits: Float32Array;
};

function ids(value: unknown, field: string, vocabSize: number): number[] {
  const fine = (id: unknown) => Number.isInteger(id) && (id as number) >= 0 && (id as number) < vocabSize;
  if (Array.isArray(value) && value.length > 0 && value.every(fine)) return value;
  throw new Error(`expected.json: ${field} should be token ids in [0, ${vocabSize - 1}]`);
}

/** Reads what was recorded. Throws an error that names the file and what is wrong with it. */
export async function readRecorded(folder: string, vocabSize: number): Promise<Recorded> {
  const text = await readFile(path.join(folder, "expected.json"), "utf8");
  let json: { prompt?: unknown; greedy?: unknown };
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw new Error(`${path.join(folder, "expected.json")} is not JSON`, { cause });
  }
  const prompt = Int32Array.from(ids(json.prompt, "prompt", vocabSize));
  const { data, shape } = await readSafetensors(path.join(folder, "expected.safetensors"), "logits");
  if (shape.length !== 2 || shape[0] !== prompt.length || shape[1] !== vocabSize) {
    throw new Error(
      `expected.safetensors: logits are [${shape.join(", ")}], expected [${prompt.length}, ${vocabSize}]`,
    );
  }
  return { prompt, greedy: ids(json.greedy, "greedy", vocabSize), logits: data };
}
