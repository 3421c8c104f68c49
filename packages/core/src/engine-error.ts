/**
 * `invalid-request`: a field is wrong (`param` names it); `context-length-exceeded`: prompt and one token do
 * not fit the context; `out-of-pages`: the request can never fit the KV memory; `overloaded`: the queue is
 * full, or there is no memory for what the policy keeps; `policy-failed`: the request's policy returned nonsense; `invalid-options`: of the engine;
 * `deadline-exceeded`: the request's own time is over; `session-refused`: a saved file does not belong here, see `SessionRefused`; `disposed`; `internal`.
 */
export type EngineErrorCode =
  | "invalid-request"
  | "invalid-options"
  | "context-length-exceeded"
  | "out-of-pages"
  | "overloaded"
  | "policy-failed"
  | "deadline-exceeded"
  | "session-refused"
  | "disposed"
  | "internal";

/** What the engine refuses or fails with; other requests go on. */
export class EngineError extends Error {
  override readonly name = "EngineError";
  readonly code: EngineErrorCode;
  /** The request's or option's field, where one is to blame. */
  readonly param: string | undefined;
  constructor(code: EngineErrorCode, message: string, param?: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
    this.param = param;
  }
}

/** What a defect of ours, or of the device, becomes. */
export const internalError = (message: string, cause?: unknown): EngineError =>
  new EngineError("internal", message, undefined, { cause });

export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
