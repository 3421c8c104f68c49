import type { SchemaName } from "./schemas.ts";

/** What a route answers with. */
export type AnswerDescription = {
  readonly description: string;
  /** Without one: text. */
  readonly schema?: SchemaName;
  /** The answer may also be server-sent events of this schema. */
  readonly events?: SchemaName;
};

/** One route, as the document describes it. */
export type Operation = {
  readonly method: "get" | "post";
  /** With `{name}` for what a path leaves open. */
  readonly path: string;
  readonly summary: string;
  readonly tag: "generation" | "tokens" | "models" | "operation" | "administration";
  /** Who may call it: everyone, whoever has an API key, or an administrator. */
  readonly access: "open" | "key" | "admin";
  /** Parameters of the query, and what they say. */
  readonly query?: Readonly<Record<string, string>>;
  /** Examples by name. */
  readonly body?: { readonly schema: SchemaName; readonly examples: Readonly<Record<string, object>> };
  /** By status. */
  readonly answers: Readonly<Record<number, AnswerDescription>>;
  /** Statuses of refusals besides those that any route may give. */
  readonly errors: readonly number[];
};
