import { randomBytes, randomInt } from "node:crypto";
import type { GenerateRequest } from "@kvasir/core";
import { ApiError } from "./api-error.ts";
import type { FieldNames } from "./field-names.ts";
import { ToolCallParser } from "./tool-call-parser.ts";
import type { ToolChoice } from "./tool-fields.ts";
import { constrainedFormat, toolFormatOf } from "./tool-format.ts";
import { parameterPaths, toolSchema } from "./tool-schema.ts";

/** How the tools of one request are called. */
export type ToolUse = {
  /** What the engine's request has for it. */
  readonly generate: Pick<GenerateRequest, "tools" | "format">;
  /** For the engine's errors about the format. */
  readonly fieldNames: FieldNames;
  /** For one choice. */
  parser(): ToolCallParser;
  newId(): string;
};

/**
 * A choice that must be a call is made one by a schema, whatever the model; one that may be a call is read in the format
 * that the chat template speaks of. Throws a 400 `ApiError` where it speaks of none.
 */
export function toolUse(choice: ToolChoice, chatTemplate: string | undefined): ToolUse {
  const { tools, required, parallel } = choice;
  const spoken = chatTemplate === undefined ? undefined : toolFormatOf(chatTemplate);
  const forced = required.length > 0;
  const format = forced ? constrainedFormat : spoken;
  if (format === undefined) {
    const message =
      'tools: the chat template of this model knows no tools; only "tool_choice": "required", or a named tool, makes it call one';
    throw new ApiError(400, "unsupported_parameter", message, { param: "tools" });
  }
  const names = new Set(tools.map((tool) => tool.function.name));
  const schema = { type: "json-schema", schema: toolSchema(required, parallel) } as const;
  return {
    generate: { tools, ...(forced ? { format: schema } : {}) },
    fieldNames: forced ? parameterPaths(required, parallel, tools) : {},
    parser: () =>
      new ToolCallParser(format, {
        isTool: (name) => names.has(name),
        callsOnly: forced,
        maxCalls: parallel ? Number.POSITIVE_INFINITY : 1,
      }),
    newId: spoken?.name === "mistral" ? shortId : longId,
  };
}

function longId(): string {
  return `call_${randomBytes(12).toString("hex")}`;
}

const idLetters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/** Mistral's templates refuse ids of another length. */
function shortId(): string {
  return Array.from({ length: 9 }, () => idLetters[randomInt(idLetters.length)]).join("");
}
