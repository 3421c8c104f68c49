import type { Engine } from "@kvasir/core";
import { RandomIndices } from "../synthesize/normal-noise.ts";
import { startIds } from "./prompt-text.ts";

/** `passkey`: one key in a text. `multi-key`: several, of which one is asked for by name. */
export const needleTasks = ["passkey", "multi-key"] as const;
export type NeedleTask = (typeof needleTasks)[number];

/** Names of keys, so many at most. */
export const keyNames = ["red", "blue", "green", "white", "black", "silver", "golden", "purple"] as const;

export type NeedlePrompt = {
  readonly task: NeedleTask;
  /** Tokens in all, up to the answer. */
  readonly length: number;
  /** Where the key that is asked for lies: 0 in front of all text, 1 behind it. */
  readonly depth: number;
  readonly digits: string;
  /** What is read at once. The cache is cut at its end. */
  readonly prompt: Int32Array;
  /** What is decoded from then on: the rest of the question, and the answer. */
  readonly continuation: Int32Array;
  /** Tokens of the answer, at the end of `continuation`. */
  readonly answerTokens: number;
};

export type NeedleOptions = {
  readonly task: NeedleTask;
  readonly length: number;
  readonly depth: number;
  /** Keys of a `multi-key` prompt. */
  readonly keys: number;
  /**
   * `seen`: the question but for its last token is in the prompt, so that a policy sees it before it cuts.
   * `unseen`: all of it comes after.
   */
  readonly question: "seen" | "unseen";
  /** Ids around the keys, at least `length`. */
  readonly filler: Int32Array;
  readonly seed: number;
};

const digitsOfKey = 5;

/** A prompt in the form that the tiny models were trained on. The same options give the same prompt. */
export function needlePrompt(engine: Engine, options: NeedleOptions): NeedlePrompt {
  const { tokenizer } = engine;
  if (!tokenizer) throw new RangeError("model: expected one with a vocabulary, to write prompts with");
  const { task, length, depth, filler } = options;
  const random = new RandomIndices(options.seed, `${task} ${length} ${depth}`);
  const draw = (count: number) => {
    const indices = new Uint16Array(count);
    random.fill(indices);
    return indices;
  };
  const encode = (text: string) => tokenizer.encode(text, { addSpecial: false, parseSpecial: false });
  const names = task === "passkey" ? ["pass"] : keyNames.slice(0, options.keys);
  const keys = names.map(() => Array.from(draw(digitsOfKey), (value) => value % 10).join(""));
  const asked = draw(1)[0]! % names.length;
  const sentences = keys.map((key, i) =>
    encode(`The ${names[i]} key is ${key}. Remember it. ${key} is the ${names[i]} key.\n`),
  );
  const question = `\nWhat is the ${names[asked]} key? The ${names[asked]} key is`;
  const tail = encode(question);
  const answered = encode(`${question} ${keys[asked]}`);
  if (tail.some((id, i) => answered[i] !== id)) {
    throw new RangeError("model: its vocabulary joins the question and the answer to one token");
  }
  const start = startIds(engine);
  const fixed = start.length + tail.length + sentences.reduce((sum, { length }) => sum + length, 0);
  const room = length - fixed;
  if (room < 0) {
    throw new RangeError(
      `lengths: expected at least ${fixed} tokens for a ${task} prompt, received ${length}`,
    );
  }
  const places = sentences.map((_, i) => Math.round((i === asked ? depth : draw(1)[0]! / 65_535) * room));
  const order = places.map((_, i) => i).sort((a, b) => places[a]! - places[b]!);
  const text: number[] = [...start];
  let at = 0;
  for (const i of order) {
    text.push(...filler.subarray(at, places[i]!), ...sentences[i]!);
    at = places[i]!;
  }
  text.push(...filler.subarray(at, room));
  const all = Int32Array.from([...text, ...answered]);
  const cut = options.question === "seen" ? length - 1 : text.length;
  return {
    task,
    length,
    depth,
    digits: keys[asked]!,
    prompt: all.subarray(0, cut),
    continuation: all.subarray(cut),
    answerTokens: answered.length - tail.length,
  };
}
