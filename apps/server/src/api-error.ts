/** OpenAI's classes of errors, as far as this server has them. */
export type ApiErrorType =
  | "invalid_request_error"
  | "authentication_error"
  | "permission_error"
  | "not_found_error"
  | "rate_limit_error"
  | "server_error";

/** The body of every answer that is not a success, and of an event that ends a broken stream. */
export type ApiErrorBody = {
  readonly error: {
    readonly message: string;
    readonly type: ApiErrorType;
    readonly param: string | null;
    readonly code: string;
  };
};

/** A refusal or failure as the client sees it. */
export class ApiError extends Error {
  override readonly name = "ApiError";
  readonly status: 400 | 401 | 403 | 404 | 405 | 409 | 413 | 415 | 429 | 500 | 501 | 503 | 504;
  readonly type: ApiErrorType;
  /** Stable, for programs. */
  readonly code: string;
  /** The request's field that is to blame, as in its JSON: `kv_cache.budget`, `messages[0].content`. */
  readonly param: string | null;
  readonly headers: Readonly<Record<string, string>>;
  constructor(
    status: ApiError["status"],
    code: string,
    message: string,
    details: {
      readonly param?: string;
      readonly headers?: Readonly<Record<string, string>>;
      readonly cause?: unknown;
    } = {},
  ) {
    super(message, { cause: details.cause });
    this.status = status;
    this.type = typeOf(status);
    this.code = code;
    this.param = details.param ?? null;
    this.headers = details.headers ?? {};
  }

  body(): ApiErrorBody {
    return { error: { message: this.message, type: this.type, param: this.param, code: this.code } };
  }
}

function typeOf(status: ApiError["status"]): ApiErrorType {
  if (status === 401) return "authentication_error";
  if (status === 403) return "permission_error";
  if (status === 404) return "not_found_error";
  if (status === 429) return "rate_limit_error";
  return status >= 500 ? "server_error" : "invalid_request_error";
}
