import type { ApiErrorBody } from "../src/api-error.ts";
import { type App, createApp } from "../src/app.ts";
import type { AppOptions } from "../src/app-options.ts";
import { FakeEngine } from "./fake-engine.ts";

/** An app over a fake engine, without a network. */
export class AppClient {
  readonly engine = new FakeEngine();
  readonly app: App;

  constructor(options: AppOptions = {}) {
    this.app = createApp(this.engine, options);
  }

  async get(path: string, headers: Record<string, string> = {}): Promise<Response> {
    return this.app.hono.request(path, { headers });
  }

  async post(path: string, body: unknown, init: RequestInit = {}): Promise<Response> {
    return this.app.hono.request(path, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: typeof body === "string" ? body : JSON.stringify(body),
      ...init,
    });
  }
}

export const completions = "/v1/completions";
export const chat = "/v1/chat/completions";
export const hello = { messages: [{ role: "user", content: "hello" }] };

export async function jsonOf<T>(response: Promise<Response>): Promise<T> {
  return (await (await response).json()) as T;
}

/** The error of a refusal. Throws unless the body is nothing but `{error: {message, type, param, code}}`. */
export async function errorOf(response: Response): Promise<ApiErrorBody["error"]> {
  const body = (await response.json()) as ApiErrorBody;
  const shape = JSON.stringify([Object.keys(body), Object.keys(body.error).sort()]);
  if (shape !== '[["error"],["code","message","param","type"]]') throw new Error(`an error like ${shape}`);
  return body.error;
}

/** The `data:` lines of a stream, `[DONE]` included. */
export async function dataLines(response: Response): Promise<string[]> {
  const text = await response.text();
  return text
    .split("\n\n")
    .filter((event) => event.startsWith("data: "))
    .map((event) => event.slice("data: ".length));
}

/** The objects of a stream that ends as it should. */
export async function eventsOf<T>(response: Response): Promise<T[]> {
  const lines = await dataLines(response);
  if (lines.at(-1) !== "[DONE]") throw new Error(`the stream ends with ${lines.at(-1)}`);
  return lines.slice(0, -1).map((line) => JSON.parse(line) as T);
}
