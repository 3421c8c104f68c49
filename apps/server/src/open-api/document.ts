import { z } from "zod";
import packageJson from "../../package.json" with { type: "json" };
import { inferenceOperations } from "./inference-operations.ts";
import type { AnswerDescription, Operation } from "./operation.ts";
import { type SchemaName, schemas } from "./schemas.ts";
import { serverOperations } from "./server-operations.ts";

/** All routes of the server. */
export const operations: readonly Operation[] = [...inferenceOperations, ...serverOperations];

const reasons: Readonly<Record<number, string>> = {
  400: "The request is wrong; `param` names the field",
  401: "No API key, or none that the server knows",
  403: "Not for this key, or switched off",
  404: "There is no such model, session or file",
  409: "What was saved does not fit this server",
  413: "The body is too large",
  415: "The body is not plain JSON",
  429: "The queue is full; `Retry-After` says when to come back",
  500: "The server's fault; its log has the cause",
  501: "The engine lacks it",
  503: "The server is shutting down, or has no room",
  504: "The request took longer than it may",
};

/** The server's routes as an OpenAPI 3.1 document; the schemas of requests are made from those that check them. */
export function openApiDocument(): object {
  const paths: Record<string, Record<string, object>> = {};
  for (const operation of operations) {
    paths[operation.path] = { ...paths[operation.path], [operation.method]: operationBody(operation) };
  }
  return {
    openapi: "3.1.0",
    info: {
      title: "kvasir-server",
      version: packageJson.version,
      description: packageJson.description,
      license: { name: packageJson.license, identifier: packageJson.license },
    },
    paths,
    components: {
      schemas: Object.fromEntries(
        Object.entries(schemas).map(([name, schema]) => [name, jsonSchema(schema)]),
      ),
      securitySchemes: {
        key: { type: "http", scheme: "bearer", description: "An API key, where the server has any" },
        admin: { type: "http", scheme: "bearer", description: "The key of administration" },
      },
    },
  };
}

function operationBody(operation: Operation): object {
  const { method, path, summary, tag, access, body, answers, errors } = operation;
  const refusals = [
    ...(access === "open" ? [] : [401]),
    ...(access === "admin" ? [403] : []),
    ...errors,
    500,
  ];
  return {
    operationId: `${method}${path.replaceAll(/\W+(\w?)/g, (_, letter: string) => letter.toUpperCase())}`,
    summary,
    tags: [tag],
    security: access === "open" ? [] : [{ [access]: [] }],
    parameters: parametersOf(operation),
    ...(body
      ? { requestBody: { required: true, content: json(body.schema, examplesOf(body.examples)) } }
      : {}),
    responses: {
      ...Object.fromEntries(refusals.map((status) => [status, refusalBody(reasons[status]!)])),
      ...Object.fromEntries(Object.entries(answers).map(([status, answer]) => [status, answerBody(answer)])),
    },
  };
}

function parametersOf({ path, query = {} }: Operation): readonly object[] {
  const schema = { type: "string" };
  const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => ({
    name,
    in: "path",
    required: true,
    schema,
  }));
  const inQuery = Object.entries(query).map(([name, description]) => ({
    name,
    in: "query",
    description,
    schema,
  }));
  return [...inPath, ...inQuery];
}

function answerBody({ description, schema, events }: AnswerDescription): object {
  if (schema === undefined) return { description, content: { "text/plain": { schema: { type: "string" } } } };
  const streamed = events && { "text/event-stream": { schema: reference(events) } };
  return { description, content: { ...json(schema), ...streamed } };
}

function refusalBody(description: string): object {
  const example = {
    error: {
      message: "what was wrong",
      type: "invalid_request_error",
      param: "max_tokens",
      code: "invalid_value",
    },
  };
  return { description, content: json("Error", { example }) };
}

function json(schema: SchemaName, more: object = {}): object {
  return { "application/json": { schema: reference(schema), ...more } };
}

function examplesOf(examples: Readonly<Record<string, object>>): object {
  return {
    examples: Object.fromEntries(Object.entries(examples).map(([name, value]) => [name, { value }])),
  };
}

function reference(schema: SchemaName): object {
  return { $ref: `#/components/schemas/${schema}` };
}

function jsonSchema(schema: z.ZodType): object {
  const { $schema, ...rest } = z.toJSONSchema(schema, { unrepresentable: "any" });
  return rest;
}
