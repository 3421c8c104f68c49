import type { CpuLevel } from "@kvasir/runtime";
import type { Timing } from "../generate-together.ts";

/** What a side of a comparison runs with. Both get the same model, threads and token ids. */
export type SideOptions = KvasirSideOptions | LlamaSideOptions;

type CommonOptions = {
  /** A GGUF file. */
  readonly model: string;
  readonly threads: number;
  /** The most sequences at once. */
  readonly sequences: number;
  /** Tokens that the caches of all sequences hold together. */
  readonly cacheTokens: number;
};

export type KvasirSideOptions = CommonOptions & {
  readonly kind: "kvasir";
  readonly backend: "native" | "interpreter" | "auto";
  readonly cpu?: CpuLevel;
  /** Tokens of a step; default: the engine's. */
  readonly chunk?: number;
};

export type LlamaSideOptions = CommonOptions & {
  readonly kind: "node-llama-cpp";
  /** The module to import: an absolute path. */
  readonly module: string;
  /** `default` leaves the choice to node-llama-cpp. */
  readonly flash: "default" | "on" | "off";
  /** Tokens of a step; default: node-llama-cpp's. */
  readonly chunk?: number;
};

/** What a side says of itself, for the report. */
export type SideInfo = {
  readonly name: string;
  readonly version: string;
  /** Instruction set, caches, chunk: whatever the numbers depend on. */
  readonly settings: string;
};

/** Sequences to run together, greedily: each reads its prompt and then generates as many tokens. */
export type Work = {
  readonly prompts: readonly Int32Array[];
  readonly generate: number;
  /** Tokens that each sequence must have room for: those of this work, and of what the same cache is used for next. */
  readonly room: number;
};

/** Where next-token logits are asked for: after these tokens of a prompt, and after each token that follows it alone. */
export type Probe = { readonly prompt: Int32Array; readonly rows: Int32Array; readonly after: Int32Array };

/** One of the two that are compared, in a process of its own. */
export interface Side {
  readonly info: SideInfo;
  generate(work: Work): Promise<Timing>;
  dispose(): Promise<void>;
}
