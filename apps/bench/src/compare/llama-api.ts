/**
 * What a comparison uses of node-llama-cpp (https://node-llama-cpp.withcat.ai/api), which need not be
 * installed: its classes have these members.
 */
export type LlamaModule = {
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
  createContext(options: {
    readonly threads: { readonly ideal: number; readonly min: number };
    readonly sequences: number;
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
  clearHistory(): Promise<void>;
  controlledEvaluate(input: readonly LlamaInput[]): Promise<readonly (LlamaOutput | undefined)[]>;
};
