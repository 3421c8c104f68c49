import { EngineError } from "@kvasir/core";
import { expect, it } from "vitest";
import { AppClient, chat, errorOf, hello } from "../tests/app-client.ts";

const tool = (name: string) => ({ type: "function", function: { name, parameters: {} } });
const tools = [tool("f"), tool("g")];
const response_format = { type: "json_schema", json_schema: { name: "a", schema: {} } };
const required = { tools, tool_choice: "required" };
const one = { ...required, parallel_tool_calls: false };
const named = { tools, tool_choice: { type: "function", function: { name: "g" } } };
const place = "response_format.json_schema.schema";

it.each<[string, object, string]>([
  ["format.schema.properties.a: x", { response_format }, `${place}.properties.a`],
  ['format.schema.properties["a: b"][0]: x', { response_format }, `${place}.properties["a: b"][0]`],
  ["format.schema: x", { response_format }, place],
  ["format: x", { response_format }, place],
  ["format: x", { response_format: { type: "json_object" } }, place],
  [
    "format.schema.items.anyOf[1].properties.arguments.type: x",
    required,
    "tools[1].function.parameters.type",
  ],
  ["format.schema.anyOf[0].properties.arguments: x", one, "tools[0].function.parameters"],
  ["format.schema.properties.arguments.type: x", named, "tools[1].function.parameters.type"],
  ["format: x", required, "tools"],
])("%s is said of %j", async (message, more, param) => {
  const client = new AppClient();
  client.engine.failure = new EngineError("invalid-request", message, "format");
  const error = await errorOf(await client.post(chat, { ...hello, ...more }));
  expect(error).toMatchObject({ param, code: "invalid_value" });
  expect(error.message).toBe(`${param}: x`);
});
