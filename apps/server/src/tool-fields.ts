import { z } from "zod";
import { boolean, text } from "./field.ts";
import { invalidValue } from "./request-error.ts";
import { jsonSchema } from "./response-format-field.ts";

const maxTools = 128;
const nameError = "1 to 64 of a-z A-Z 0-9 _ -";
const choiceError = '"none", "auto", "required" or {"type": "function", "function": {"name"}}';
const toolsError = `an array of at most ${maxTools} of {"type": "function", "function": {"name", "parameters"}}`;

export const toolName = z.string({ error: nameError }).regex(/^[a-zA-Z0-9_-]{1,64}$/, { error: nameError });

const tool = z.strictObject(
  {
    type: z.literal("function", { error: '"function"' }),
    function: z.strictObject(
      {
        name: toolName,
        description: text("a string").nullish(),
        parameters: jsonSchema.nullish(),
        strict: boolean(),
      },
      { error: "an object with name and parameters" },
    ),
  },
  { error: 'an object like {"type": "function", "function": {"name", "parameters"}}' },
);

/** A tool as clients describe it. */
export type Tool = z.infer<typeof tool>;

export const toolFields = {
  tools: z.array(tool, { error: toolsError }).max(maxTools, { error: toolsError }).nullish(),
  tool_choice: z
    .union(
      [
        z.enum(["none", "auto", "required"]),
        z.strictObject({ type: z.literal("function"), function: z.strictObject({ name: toolName }) }),
      ],
      { error: choiceError },
    )
    .nullish(),
  parallel_tool_calls: boolean(),
};

export type ToolFields = z.infer<z.ZodObject<typeof toolFields>>;

/** Which tools the model may call, and whether it must; undefined where it may call none. */
export type ToolChoice = {
  readonly tools: readonly Tool[];
  /** The tools of which it must call one; empty: it may call any, or none. */
  readonly required: readonly Tool[];
  readonly parallel: boolean;
};

/** Throws a 400 `ApiError` where the fields do not go together. */
export function toolChoice(body: ToolFields): ToolChoice | undefined {
  const tools = body.tools ?? [];
  const choice = body.tool_choice ?? "auto";
  const repeated = tools.find(({ function: { name } }, at) =>
    tools.slice(0, at).some((other) => other.function.name === name),
  );
  if (repeated) throw invalidValue("tools", `has ${repeated.function.name} more than once`);
  if (tools.length === 0) {
    if (choice === "none" || choice === "auto") return undefined;
    throw invalidValue("tool_choice", "needs tools");
  }
  if (choice === "none") return undefined;
  const parallel = body.parallel_tool_calls ?? true;
  if (choice === "auto") return { tools, required: [], parallel };
  if (choice === "required") return { tools, required: tools, parallel };
  const named = tools.filter((each) => each.function.name === choice.function.name);
  if (named.length === 0) throw invalidValue("tool_choice", `${choice.function.name} is not one of tools`);
  return { tools, required: named, parallel: false };
}
