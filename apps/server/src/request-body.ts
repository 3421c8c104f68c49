import { ApiError } from "./api-error.ts";

/** Arrays and objects within each other; no field of the API needs more than four. */
const maxDepth = 64;

/**
 * Reads a JSON object of at most `limit` bytes. Throws an `ApiError`: 415 for what is not plain JSON, 413 for
 * too many bytes (before they are all read), 400 for what is not UTF-8, not JSON, not an object or too deep.
 */
export async function readJsonObject(
  request: Request,
  limit: number,
): Promise<Readonly<Record<string, unknown>>> {
  checkHeaders(request.headers, limit);
  const text = decode(await readBytes(request.body, limit));
  checkDepth(text);
  const value = parse(text);
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new ApiError(400, "invalid_json", "the body: expected a JSON object");
  }
  return value as Record<string, unknown>;
}

function checkHeaders(headers: Headers, limit: number): void {
  // Also what keeps web pages out: a browser sends JSON to another origin only after asking, and is refused.
  const mediaType = (headers.get("content-type") ?? "").split(";")[0]!.trim().toLowerCase();
  if (mediaType !== "application/json") {
    const received = mediaType === "" ? "none" : JSON.stringify(mediaType.slice(0, 80));
    throw new ApiError(
      415,
      "unsupported_media_type",
      `Content-Type: expected application/json, received ${received}`,
    );
  }
  const encoding = headers.get("content-encoding") ?? "identity";
  if (encoding.toLowerCase() !== "identity") {
    throw new ApiError(
      415,
      "unsupported_media_type",
      "Content-Encoding: a compressed body is not supported; send it as it is",
    );
  }
  if (Number(headers.get("content-length") ?? 0) > limit) throw tooLarge(limit);
}

async function readBytes(body: ReadableStream<Uint8Array> | null, limit: number): Promise<Uint8Array> {
  if (body === null) return new Uint8Array();
  const parts: Uint8Array[] = [];
  let size = 0;
  const reader = body.getReader();
  for (let part = await next(reader); !part.done; part = await next(reader)) {
    size += part.value.byteLength;
    if (size > limit) throw tooLarge(limit);
    parts.push(part.value);
  }
  return parts.length === 1 ? parts[0]! : Buffer.concat(parts, size);
}

async function next(reader: ReadableStreamDefaultReader<Uint8Array>) {
  try {
    return await reader.read();
  } catch (cause) {
    throw new ApiError(400, "incomplete_body", "the body broke off", { cause });
  }
}

function decode(bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new ApiError(400, "invalid_json", "the body: not UTF-8", { cause });
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    // The parser's own message quotes the body: a prompt has no place in logs and errors.
    const message =
      text.trim() === "" ? "the body is empty: expected a JSON object" : "the body: not valid JSON";
    throw new ApiError(400, "invalid_json", message, { cause });
  }
}

/** Counts brackets outside of strings; the parser judges everything else. */
function checkDepth(text: string): void {
  let depth = 0;
  for (let at = 0; at < text.length; at += 1) {
    const char = text.charCodeAt(at);
    if (char === 0x22) {
      at = endOfString(text, at);
    } else if (char === 0x5b || char === 0x7b) {
      depth += 1;
      if (depth > maxDepth) {
        throw new ApiError(
          400,
          "invalid_json",
          `the body: arrays and objects nest deeper than ${maxDepth} levels`,
        );
      }
    } else if (char === 0x5d || char === 0x7d) {
      depth -= 1;
    }
  }
}

/** The index of the quote that ends the string whose first quote is at `start`; past the end where none does. */
function endOfString(text: string, start: number): number {
  for (let quote = text.indexOf('"', start + 1); quote !== -1; quote = text.indexOf('"', quote + 1)) {
    let backslashes = 0;
    while (text.charCodeAt(quote - 1 - backslashes) === 0x5c) backslashes += 1;
    if (backslashes % 2 === 0) return quote;
  }
  return text.length;
}

function tooLarge(limit: number): ApiError {
  return new ApiError(413, "body_too_large", `the body: expected at most ${limit} bytes`);
}
