import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

export type AskedBody = {
  readonly prompt?: string;
  readonly max_tokens: number;
  readonly stream?: boolean;
  readonly [field: string]: unknown;
};

export type ScriptOptions = {
  /** What a request is answered; its whole text is the parts joined. */
  readonly parts?: (body: AskedBody) => readonly string[];
  /** Fields of `usage`; none where undefined. */
  readonly usage?: (body: AskedBody) => object | undefined;
  /** A status instead of an answer. */
  readonly status?: (body: AskedBody) => number | undefined;
  /** Called before an answer's last part is sent, which waits for it. */
  readonly hold?: () => Promise<void>;
  /** Fields that are refused. */
  readonly refuses?: readonly string[];
};

/** A server with OpenAI's completions that answers from a script and keeps what it was asked. */
export class ScriptedServer implements AsyncDisposable {
  readonly asked: AskedBody[] = [];
  /** What came as `Authorization`. */
  readonly keys = new Set<string | undefined>();
  /** Streams whose client left before their end. */
  left = 0;
  readonly #options: ScriptOptions;
  readonly #server: Server = createServer((request, response) => void this.#route(request, response));

  private constructor(options: ScriptOptions) {
    this.#options = options;
  }

  static async start(options: ScriptOptions = {}): Promise<ScriptedServer> {
    const scripted = new ScriptedServer(options);
    scripted.#server.listen(0, "127.0.0.1");
    await once(scripted.#server, "listening");
    return scripted;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/v1`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, "close");
  }

  async #route(request: IncomingMessage, response: ServerResponse): Promise<void> {
    this.keys.add(request.headers.authorization);
    if (request.url === "/v1/models") return void json(response, 200, { data: [{ id: "scripted" }] });
    if (request.url === "/version") return void json(response, 200, { version: "7.8.9" });
    let text = "";
    for await (const part of request) text += part;
    let body: AskedBody;
    try {
      body = JSON.parse(text);
    } catch {
      return void json(response, 400, { error: { code: "invalid_json" } });
    }
    const unknown = Object.keys(body).find((field) => this.#options.refuses?.includes(field));
    if (unknown) return void json(response, 400, { error: { code: "unknown_parameter", param: unknown } });
    if (typeof body.prompt !== "string" || !(body.max_tokens > 0) || body.max_tokens % 1 !== 0)
      return void json(response, 400, { error: { code: "invalid_value" } });
    await this.#answer(body, response);
  }

  async #answer(body: AskedBody, response: ServerResponse): Promise<void> {
    this.asked.push(body);
    const { parts, usage, status, hold } = this.#options;
    const refusal = status?.(body);
    if (refusal !== undefined)
      return void json(response, refusal, { error: { code: `scripted-${refusal}` } }, { "Retry-After": "0" });
    const texts = parts?.(body) ?? Array.from({ length: body.max_tokens }, (_, i) => `t${i} `);
    const counts = usage ? usage(body) : defaultUsage(body);
    const last = { finish_reason: "length", index: 0 };
    if (!body.stream) {
      await hold?.();
      return void json(response, 200, { choices: [{ ...last, text: texts.join("") }], usage: counts });
    }
    response.on("close", () => {
      if (!response.writableEnded) this.left++;
    });
    response.writeHead(200, { "Content-Type": "text/event-stream" });
    const send = (event: object | string) =>
      response.write(`data: ${typeof event === "string" ? event : JSON.stringify(event)}\n\n`);
    for (const [i, text] of texts.entries()) {
      if (i === texts.length - 1) await hold?.();
      send({ choices: [{ index: 0, text, finish_reason: null }] });
      await new Promise((resolve) => setImmediate(resolve));
      if (response.destroyed) return;
    }
    send({ choices: [{ ...last, text: "" }] });
    if (counts) send({ choices: [], usage: counts });
    send("[DONE]");
    response.end();
  }
}

/** A token a word, and none from a cache. */
function defaultUsage({ prompt = "", max_tokens }: AskedBody): object {
  const prompts = 1 + prompt.split(" ").length;
  return {
    prompt_tokens: prompts,
    completion_tokens: max_tokens,
    prompt_tokens_details: { cached_tokens: 0 },
  };
}

function json(
  response: ServerResponse,
  status: number,
  body: object,
  headers: Record<string, string> = {},
): void {
  response.writeHead(status, { "Content-Type": "application/json", ...headers });
  response.end(JSON.stringify(body));
}
