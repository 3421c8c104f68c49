import type { EngineError } from "@kvasir/core";
import { ApiError } from "./api-error.ts";
import type { FieldNames } from "./field-names.ts";

/** A path into a schema: `format.schema.items[0]["a b"]`, as the engine's message begins. */
const pathPattern = /^format(?:\.[\w$-]+|\[(?:\d+|"(?:[^"\\]|\\.)*")\])*/;

/** What is wrong with a schema, told of the field that the client wrote it into. `names` has the beginnings of paths. */
export function formatFailure(error: EngineError, names: FieldNames): ApiError {
  const path = pathPattern.exec(error.message)?.[0] ?? "format";
  const param = clientPath(path, names).slice(0, 200);
  const reason = error.message.startsWith(path) ? error.message.slice(path.length) : `: ${error.message}`;
  return new ApiError(400, "invalid_value", `${param}${reason}`, { param, cause: error });
}

function clientPath(path: string, names: FieldNames): string {
  const beginnings = Object.keys(names).filter((name) => name.startsWith("format."));
  const [longest] = beginnings
    .filter(
      (name) =>
        path === name || ([".", "["].includes(path.slice(name.length)[0] ?? "") && path.startsWith(name)),
    )
    .sort((a, b) => b.length - a.length);
  if (longest !== undefined) return names[longest]! + path.slice(longest.length);
  return names["format.schema"] ?? "response_format";
}
