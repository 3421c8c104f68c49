/** The options that every evicting policy takes. */
export interface CommonOptions {
  /**
   * What a head may keep: up to 1, a fraction of the tokens seen (`ceil(budget * seen)`; 1 keeps everything); from 2, a
   * whole number of tokens. 1 unless told. For a policy that sizes itself it is a ceiling.
   */
  readonly budget: number;
  /** Leading tokens that are never evicted; 4 unless told. */
  readonly sinks: number;
  /** Newest tokens that are never evicted; at least 1 is kept in any case. 32 unless told. */
  readonly recent: number;
  /** A head is never evicted below this many tokens; 0 unless told. */
  readonly minTokens: number;
  /** KV layers that keep everything; negative numbers count from the last layer. None unless told. */
  readonly protectLayers: readonly number[];
  /** When a prompt is evicted from: at its end (the default), or after each chunk. */
  readonly prefill: "end" | "chunk";
  /** Whether eviction goes on while decoding (the default), or generated tokens all stay. */
  readonly decode: boolean;
}

export const COMMON_OPTIONS = [
  "budget",
  "sinks",
  "recent",
  "minTokens",
  "protectLayers",
  "prefill",
  "decode",
] as const satisfies (keyof CommonOptions)[];

/** What engines take beside a policy's options, so that no parameter can have these names. */
export const ENGINE_OPTIONS: readonly string[] = ["policy", "memory", "dtype", "pageTokens"];

/** An option of one policy. `description` completes "--kv-option name: ...". */
export type PolicyParameter =
  | {
      readonly type: "integer" | "number";
      readonly default: number;
      readonly minimum: number;
      readonly maximum: number;
      readonly description: string;
    }
  | { readonly type: "boolean"; readonly default: boolean; readonly description: string }
  | {
      readonly type: "choice";
      /** At least one. */
      readonly values: readonly string[];
      readonly default: string;
      readonly description: string;
    }
  | {
      /** A list of numbers, each in the range; at most {@link MOST_NUMBERS}. */
      readonly type: "numbers";
      readonly default: readonly number[];
      readonly minimum: number;
      readonly maximum: number;
      readonly description: string;
    };

/** Length that a parameter of type "numbers" may have at most. */
export const MOST_NUMBERS = 65536;

export type PolicyParameters = Readonly<Record<string, PolicyParameter>>;

/** What an option of a parameter is, once checked. */
export type ParameterValue<P extends PolicyParameter> = P extends { readonly type: "choice" }
  ? P["values"][number]
  : P extends { readonly type: "numbers" }
    ? readonly number[]
    : P extends { readonly type: "boolean" }
      ? boolean
      : number;

/** The checked options of a policy: the common ones and the values of its parameters. */
export type OptionsOf<P extends PolicyParameters> = CommonOptions &
  (string extends keyof P ? unknown : { readonly [K in keyof P]: ParameterValue<P[K]> });

/** What a user may pass: any common option, and any parameter of the policy by name. */
export type PolicyOptions = Partial<CommonOptions> & { readonly [parameter: string]: unknown };
