import type { Timing } from "../generate-together.ts";

/** What can be compared, by the names that `--only` takes. */
export const measureNames = [
  "load",
  "prefill-short",
  "prefill-long",
  "decode-1",
  "decode-4",
  "decode-16",
  "decode-long",
  "memory",
] as const;
export type MeasureName = (typeof measureNames)[number];

/** Lengths of what is run, in tokens. */
export type Lengths = { readonly short: number; readonly long: number; readonly generate: number };

/** How a measure is called and read. */
export type MeasureText = { readonly label: string; readonly unit: "tok/s" | "ms" | "MiB" };

export function measureText(name: MeasureName, { short, long }: Lengths): MeasureText {
  switch (name) {
    case "load":
      return { label: "load", unit: "ms" };
    case "prefill-short":
      return { label: `prefill of ${short}`, unit: "tok/s" };
    case "prefill-long":
      return { label: `prefill of ${long}`, unit: "tok/s" };
    case "decode-1":
      return { label: "decode", unit: "tok/s" };
    case "decode-4":
      return { label: "decode, 4 together", unit: "tok/s" };
    case "decode-16":
      return { label: "decode, 16 together", unit: "tok/s" };
    case "decode-long":
      return { label: `decode after ${long}`, unit: "tok/s" };
    case "memory":
      return { label: "peak memory", unit: "MiB" };
  }
}

/** Sequences that run together once a repetition, and what their times say. */
export type Workload = {
  readonly sequences: number;
  readonly prompt: number;
  readonly generate: number;
  readonly prefill?: MeasureName;
  readonly decode?: MeasureName;
};

/** Tokens of the prompts before `decode-1`, `-4` and `-16`. */
const startPrompt = 16;

/** The workloads that the measures need; a prompt that is read for two of them is read once. */
export function workloadsFor(names: readonly MeasureName[], { short, long, generate }: Lengths): Workload[] {
  const wants = (name: MeasureName) => names.includes(name);
  const decode = (sequences: number, name: MeasureName): Workload[] =>
    wants(name) ? [{ sequences, prompt: startPrompt, generate: generate + 1, decode: name }] : [];
  return [
    ...(wants("prefill-short")
      ? [{ sequences: 1, prompt: short, generate: 1, prefill: "prefill-short" as const }]
      : []),
    ...decode(1, "decode-1"),
    ...decode(4, "decode-4"),
    ...decode(16, "decode-16"),
    ...(wants("prefill-long") || wants("decode-long")
      ? [
          {
            sequences: 1,
            prompt: long,
            generate: wants("decode-long") ? generate + 1 : 1,
            ...(wants("prefill-long") && { prefill: "prefill-long" as const }),
            ...(wants("decode-long") && { decode: "decode-long" as const }),
          },
        ]
      : []),
  ];
}

/** Tokens a second of all sequences together, for each measure of the workload. */
export function ratesOf(work: Workload, { firstMs, restMs, restTokens }: Timing): [MeasureName, number][] {
  const { sequences, prompt, prefill, decode } = work;
  return [
    ...(prefill ? [[prefill, (sequences * prompt * 1000) / firstMs] as [MeasureName, number]] : []),
    ...(decode ? [[decode, (restTokens * 1000) / restMs] as [MeasureName, number]] : []),
  ];
}
