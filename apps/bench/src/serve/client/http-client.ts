import { Agent, request } from "undici";

/** What a server answered, its body as text. */
export type WholeAnswer = { readonly status: number; readonly text: string };

export type PostOptions = {
  readonly path: string;
  readonly body: string | Buffer;
  readonly signal: AbortSignal;
  readonly onStatus: (status: number, retryAfter: string | undefined) => void;
  readonly onData: (bytes: Uint8Array) => void;
};

/** Requests of one server, over as many connections as are wanted at once. */
export class HttpClient implements AsyncDisposable {
  /** As given, without a slash at its end. */
  readonly url: string;
  readonly #agent = new Agent({
    // As many as there are requests: one never waits for another in here.
    connections: null,
    pipelining: 1,
    headersTimeout: 0,
    bodyTimeout: 0,
    connect: { timeout: 10_000 },
  });
  readonly #headers: Readonly<Record<string, string>>;

  /** @param url of the API, like `http://127.0.0.1:8080/v1`. Throws `RangeError` where it is none. */
  constructor(url: string, apiKey?: string) {
    if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol))
      throw new RangeError(`url: expected one of http or https, received ${url}`);
    this.url = url.replace(/\/+$/, "");
    this.#headers = {
      "Content-Type": "application/json",
      ...(apiKey !== undefined && { Authorization: `Bearer ${apiKey}` }),
    };
  }

  /** @param path below the URL, or a whole one */
  async get(path: string, signal: AbortSignal): Promise<WholeAnswer> {
    const { statusCode, body } = await request(this.#at(path), {
      dispatcher: this.#agent,
      headers: this.#headers,
      signal,
    });
    return { status: statusCode, text: await body.text() };
  }

  async post(path: string, json: unknown, signal: AbortSignal): Promise<WholeAnswer> {
    const parts: Uint8Array[] = [];
    let status = 0;
    await this.send({
      path,
      body: JSON.stringify(json),
      signal,
      onStatus: (code) => {
        status = code;
      },
      onData: (bytes) => parts.push(bytes),
    });
    return { status, text: Buffer.concat(parts).toString("utf8") };
  }

  /** Sends a body and hands over each part of the answer as it comes. Rejects where the connection fails. */
  async send({ path, body, signal, onStatus, onData }: PostOptions): Promise<void> {
    const answer = await request(this.#at(path), {
      dispatcher: this.#agent,
      method: "POST",
      headers: this.#headers,
      body,
      signal,
    });
    const retryAfter = answer.headers["retry-after"];
    onStatus(answer.statusCode, typeof retryAfter === "string" ? retryAfter : undefined);
    for await (const bytes of answer.body) onData(bytes);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#agent.destroy();
  }

  #at(path: string): string {
    return path.startsWith("/") ? `${this.url}${path}` : path;
  }
}
