/** A turn of a conversation. */
export type Turn = { readonly role: "system" | "user" | "assistant"; readonly content: string };

/** Fields of a request. */
export type Body = Readonly<Record<string, unknown>>;

/** What a request says: a conversation, token ids, or a whole body. */
export type Content =
  | { readonly kind: "turns"; readonly turns: readonly Turn[] }
  | { readonly kind: "ids"; readonly ids: readonly number[] }
  | { readonly kind: "body"; readonly body: Body };

/** A request before it has a form. */
export type PlannedRequest = {
  readonly content: Content;
  /** Absent where the body says it. */
  readonly outputTokens?: number;
  /** Requests of one scope may share cached prefixes within a run, others may not. */
  readonly scope: string;
  /** Milliseconds between the last answer and this request. */
  readonly thinkMs: number;
};

/** Requests that follow each other, one at a time: a conversation, or a single request. */
export interface Session {
  readonly workload: string;
  /** The next request; undefined at the end. `answer` is the text of the last one, absent at first. */
  next(answer?: string): PlannedRequest | undefined;
}

/** What is asked of a server. Sessions are the same for the same seed and index, in whatever order they are made. */
export interface Workload {
  session(index: number): Session;
}

/** A session of a single request. */
export function singleRequest(workload: string, request: Omit<PlannedRequest, "thinkMs">): Session {
  return { workload, next: (answer) => (answer === undefined ? { ...request, thinkMs: 0 } : undefined) };
}
