import { pathToFileURL } from "node:url";

/** What is used of node-llama-cpp (https://node-llama-cpp.withcat.ai/api), which need not be installed. */
type LlamaModule = {
  getLlama(options: {
    readonly gpu: false;
    readonly build: "never";
    readonly skipDownload: true;
    readonly maxThreads: number;
    readonly logger: () => void;
  }): Promise<Llama>;
};

export type Llama = {
  readonly systemInfo: string;
  loadModel(options: { readonly modelPath: string }): Promise<LlamaModel>;
  dispose(): Promise<void>;
};

export type LlamaModel = {
  readonly tokens: { readonly bos: number | null; readonly shouldPrependBosToken: boolean };
  tokenize(text: string): number[];
  detokenize(tokens: readonly number[], specialTokens?: boolean, lastTokens?: readonly number[]): string;
  createContext(options: {
    readonly threads: { readonly ideal: number; readonly min: number };
    readonly sequences: number;
    /** Tokens of each sequence. */
    readonly contextSize: number;
    readonly batchSize?: number;
    readonly flashAttention?: boolean;
  }): Promise<LlamaContext>;
};

export type LlamaContext = {
  readonly batchSize: number;
  readonly flashAttention: "auto" | boolean;
  getSequence(): LlamaSequence;
  dispose(): Promise<void>;
};

/** A token alone is read; one with `generateNext` also says what comes after it. */
export type LlamaInput = number | [number, { readonly generateNext: LlamaNext }];
export type LlamaNext = {
  readonly token?: true;
  readonly logits?: true;
  readonly options: { readonly temperature: 0 };
};
export type LlamaOutput = {
  readonly next: { readonly token?: number | null; readonly logits?: Map<number, number> };
};

export type LlamaSequence = {
  /** What its cache holds. */
  readonly contextTokens: readonly number[];
  readonly nextTokenIndex: number;
  clearHistory(): Promise<void>;
  adaptStateToTokens(tokens: readonly number[], allowShift: boolean): Promise<void>;
  controlledEvaluate(input: readonly LlamaInput[]): Promise<readonly (LlamaOutput | undefined)[]>;
  evaluate(
    tokens: readonly number[],
    options: {
      readonly temperature: number;
      readonly topK: number;
      readonly topP: number;
      readonly seed?: number;
      readonly yieldEogToken: boolean;
    },
  ): AsyncGenerator<number, void>;
};

/**
 * Its library, on the processor and without a log.
 * @param module the file of its module, as `findPeer` finds it
 */
export async function openLlama(module: string, threads: number): Promise<Llama> {
  const { getLlama } = (await import(pathToFileURL(module).href)) as LlamaModule;
  return getLlama({
    gpu: false,
    build: "never",
    skipDownload: true,
    maxThreads: threads,
    logger: () => {},
  });
}
