import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { type PeerCompletions, type PeerEvent, type PeerRequest, peerRequest } from "./peer-completions.ts";

const bodyLimit = 8 * 2 ** 20;

/** OpenAI's completions over node-llama-cpp, as little of them as it takes to put the same load on it. */
export class PeerServer {
  readonly #completions: PeerCompletions;
  readonly #model: string;
  readonly #server: Server = createServer((request, response) => void this.#route(request, response));

  constructor(completions: PeerCompletions, model: string) {
    this.#completions = completions;
    this.#model = model;
  }

  /** Listens on this machine alone. Resolves to the URL of the API. */
  async listen(): Promise<string> {
    this.#server.listen(0, "127.0.0.1");
    await once(this.#server, "listening");
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/v1`;
  }

  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }

  async #route(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (request.method === "GET" && request.url === "/v1/models")
      return json(response, 200, { data: [{ id: this.#model, owned_by: "node-llama-cpp" }] });
    if (request.method !== "POST" || request.url !== "/v1/completions")
      return refuse(response, 404, "not_found", "no such route");
    try {
      const body = await bodyOf(request);
      if (body === undefined)
        return refuse(response, 413, "body_too_large", `expected at most ${bodyLimit} bytes`);
      const asked = peerRequest(JSON.parse(body));
      const tokens = this.#completions.tokens(asked);
      await this.#answer(asked, tokens, response);
    } catch (error) {
      if (response.headersSent) return void response.destroy();
      const isTheirs = error instanceof RangeError || error instanceof SyntaxError;
      refuse(response, isTheirs ? 400 : 500, isTheirs ? "invalid_value" : "internal_error", String(error));
    }
  }

  async #answer(asked: PeerRequest, tokens: readonly number[], response: ServerResponse): Promise<void> {
    const texts: string[] = [];
    for await (const event of this.#completions.answer(asked, tokens)) {
      if (response.destroyed) return;
      if (!asked.stream) {
        if (event.kind === "text") texts.push(event.text);
        else
          json(response, 200, { choices: [choice(texts.join(""), event.finishReason)], usage: usage(event) });
        continue;
      }
      if (!response.headersSent) response.writeHead(200, { "Content-Type": "text/event-stream" });
      if (event.kind === "text") send(response, { choices: [choice(event.text, null)] });
      else {
        send(response, { choices: [choice("", event.finishReason)] });
        send(response, { choices: [], usage: usage(event) });
        response.end("data: [DONE]\n\n");
      }
    }
  }
}

const choice = (text: string, finishReason: string | null) => ({
  index: 0,
  text,
  finish_reason: finishReason,
});

const usage = ({ promptTokens, outputTokens, cachedTokens }: Extract<PeerEvent, { kind: "end" }>) => ({
  prompt_tokens: promptTokens,
  completion_tokens: outputTokens,
  total_tokens: promptTokens + outputTokens,
  prompt_tokens_details: { cached_tokens: cachedTokens },
});

/** Undefined where it is larger than the limit; the rest is then left unread. */
async function bodyOf(request: IncomingMessage): Promise<string | undefined> {
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const part of request as AsyncIterable<Buffer>) {
    bytes += part.length;
    if (bytes > bodyLimit) return undefined;
    parts.push(part);
  }
  return Buffer.concat(parts).toString("utf8");
}

function send(response: ServerResponse, event: object): void {
  response.write(`data: ${JSON.stringify(event)}\n\n`);
}

function json(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { "Content-Type": "application/json" }).end(JSON.stringify(body));
}

function refuse(response: ServerResponse, status: number, code: string, message: string): void {
  json(response, status, { error: { message, type: "invalid_request_error", param: null, code } });
}
