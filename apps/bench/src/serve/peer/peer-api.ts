/**
 * What a server over node-llama-cpp (https://node-llama-cpp.withcat.ai/api) uses of it, which need not be installed:
 * its classes have these members.
 */
export type PeerModule = {
  getLlama(options: {
    readonly gpu: false;
    readonly build: "never";
    readonly skipDownload: true;
    readonly maxThreads: number;
    readonly logger: () => void;
  }): Promise<PeerLlama>;
};

export type PeerLlama = {
  loadModel(options: { readonly modelPath: string }): Promise<PeerModel>;
  dispose(): Promise<void>;
};

export type PeerModel = {
  tokenize(text: string): number[];
  detokenize(tokens: readonly number[], specialTokens?: boolean, lastTokens?: readonly number[]): string;
  readonly tokens: { readonly bos: number | null; readonly shouldPrependBosToken: boolean };
  createContext(options: {
    readonly threads: { readonly ideal: number; readonly min: number };
    readonly sequences: number;
    /** Tokens of each sequence. */
    readonly contextSize: number;
  }): Promise<PeerContext>;
};

export type PeerContext = { getSequence(): PeerSequence };

export type PeerSequence = {
  /** What its cache holds. */
  readonly contextTokens: readonly number[];
  readonly nextTokenIndex: number;
  adaptStateToTokens(tokens: readonly number[], allowShift: boolean): Promise<void>;
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
