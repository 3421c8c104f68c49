import { received } from "../received.ts";
import { type SessionRefusal, SessionRefused } from "./session-refused.ts";

/** Everything that decides what the bytes of a page mean. A file is taken only where all of it agrees. */
export type SavedFormat = {
  /** Fingerprint of the model's files. */
  readonly model: string;
  /** What weights were quantised to while loading; empty where they are the files'. */
  readonly weights: string;
  readonly vocabSize: number;
  readonly layerMap: string;
  /** How positions enter keys: the rotary base, its scaling and the like, in one text. */
  readonly positions: string;
  /** Passes and tolerance over chunks of a cyclic layer map, in one text. */
  readonly passes: string;
  readonly kvLayers: number;
  readonly kvHeads: number;
  readonly headDim: number;
  readonly pageTokens: number;
  readonly pageBytes: number;
  /** Number format of keys and values. */
  readonly dtype: string;
  /** Device and instruction-set level that laid the pages out. */
  readonly layout: string;
};

type Value = string | number;

/** In the order in which differences are named: reason, and what is said of a value. */
const fields: { readonly [F in keyof SavedFormat]: readonly [SessionRefusal, (value: Value) => string] } = {
  model: ["other-model", (value) => `model ${shown(String(value).slice(0, 16))}`],
  weights: ["other-model", (value) => `weights ${shown(value || "as they are")}`],
  vocabSize: ["other-model", (value) => `a vocabulary of ${value}`],
  layerMap: ["other-model", (value) => `layer map ${shown(value)}`],
  positions: ["other-model", (value) => `positions ${shown(value)}`],
  passes: ["other-format", (value) => `passes ${shown(value)}`],
  kvLayers: ["other-format", (value) => `${value} KV layers`],
  kvHeads: ["other-format", (value) => `${value} KV heads`],
  headDim: ["other-format", (value) => `heads of ${value} numbers`],
  dtype: ["other-format", (value) => `${value} keys and values`],
  pageTokens: ["other-format", (value) => `pages of ${value} tokens`],
  pageBytes: ["other-format", (value) => `pages of ${value} bytes`],
  layout: ["other-format", (value) => `pages laid out for ${shown(value)}`],
};

const largest = {
  vocabSize: 2 ** 31 - 1,
  kvLayers: 65_536,
  kvHeads: 65_536,
  headDim: 65_536,
  pageTokens: 65_536,
  pageBytes: 2 ** 24,
} as const;

/** The format, where `value` is one: no field too few or too many, each in its range. */
export function parseFormat(value: unknown): SavedFormat | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const given = new Map(Object.entries(value));
  for (const field of Object.keys(fields)) {
    const one = given.get(field);
    const limit = field in largest ? largest[field as keyof typeof largest] : undefined;
    const fits =
      limit === undefined
        ? typeof one === "string" && /^[\x20-\x7e]{0,4096}$/.test(one)
        : typeof one === "number" && Number.isInteger(one) && one >= 1 && one <= limit;
    if (!fits || !given.delete(field)) return undefined;
  }
  if (given.size > 0 || !("dtype" in value) || !/^[a-z0-9_]{1,16}$/.test(String(value.dtype)))
    return undefined;
  return value as SavedFormat;
}

/** @throws SessionRefused that says both values of the first difference */
export function requireSameFormat(saved: SavedFormat, own: SavedFormat): void {
  for (const field of Object.keys(fields) as (keyof SavedFormat)[]) {
    if (saved[field] === own[field]) continue;
    const [reason, say] = fields[field];
    throw new SessionRefused(
      reason,
      `the file was written with ${say(saved[field])}, this cache has ${say(own[field])}`,
    );
  }
}

function shown(value: Value): string {
  return received(value);
}
