import { createHash } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** A hub of one repository, `org/model`, as far as the hub's library and downloads use one. */
export class FakeHub {
  static readonly commit = "0123456789abcdef0123456789abcdef01234567";
  readonly files = new Map<string, Buffer>();
  /** Paths of all requests, and the range that was asked for. */
  readonly requests: string[] = [];
  /** Ends the connection after so many bytes of the next downloads, one number each. */
  cuts: number[] = [];
  /** Answers a part that is asked for with the whole. */
  ignoresRanges = false;
  /** What is listed as large has a SHA-256, the rest an object id of git. */
  largeFrom = 1000;
  /** Is asked for where it is set. */
  token: string | undefined;
  readonly #server: Server;

  private constructor() {
    this.#server = createServer((request, response) => this.#answer(request, response));
  }

  static async start(): Promise<FakeHub> {
    const hub = new FakeHub();
    await new Promise<void>((resolve) => hub.#server.listen(0, "127.0.0.1", resolve));
    return hub;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const url = new URL(request.url ?? "", this.url);
    const range = request.headers.range;
    this.requests.push(range === undefined ? url.pathname : `${url.pathname} ${range}`);
    if (this.token !== undefined && request.headers.authorization !== `Bearer ${this.token}`) {
      response.writeHead(401).end();
      return;
    }
    const [, info] = /^\/api\/models\/org\/model\/revision\/(.+)$/.exec(url.pathname) ?? [];
    if (info === "main" || info === "v1" || info === FakeHub.commit) {
      json(response, { _id: "1", id: "org/model", sha: FakeHub.commit, lastModified: "2026-01-01" });
    } else if (url.pathname === `/api/models/org/model/tree/${FakeHub.commit}`) {
      json(
        response,
        [...this.files].map(([path, content]) => this.#entry(path, content)),
      );
    } else if (url.pathname.startsWith(`/org/model/resolve/${FakeHub.commit}/`)) {
      const path = decodeURIComponent(url.pathname.split("/").slice(5).join("/"));
      this.#send(response, this.files.get(path), range);
    } else {
      response.writeHead(404, { "Content-Type": "application/json" }).end('{"error":"not found"}');
    }
  }

  #entry(path: string, content: Buffer): object {
    const size = content.length;
    const sha256 = createHash("sha256").update(content).digest("hex");
    if (size >= this.largeFrom) {
      return { type: "file", path, size, oid: "0".repeat(40), lfs: { oid: sha256, size, pointerSize: 130 } };
    }
    const oid = createHash("sha1").update(`blob ${size}\0`).update(content).digest("hex");
    return { type: "file", path, size, oid };
  }

  #send(response: ServerResponse, content: Buffer | undefined, range: string | undefined): void {
    if (content === undefined) {
      response.writeHead(404).end();
      return;
    }
    const from = this.ignoresRanges ? 0 : Number(/^bytes=(\d+)-$/.exec(range ?? "bytes=0-")?.[1]);
    const body = content.subarray(from);
    const partial = range !== undefined && !this.ignoresRanges;
    response.writeHead(partial ? 206 : 200, {
      "Content-Length": body.length,
      ...(partial && { "Content-Range": `bytes ${from}-${content.length - 1}/${content.length}` }),
    });
    const cut = this.cuts.shift();
    if (cut === undefined) response.end(body);
    else response.write(body.subarray(0, cut), () => setTimeout(() => response.destroy(), 20));
  }
}

function json(response: ServerResponse, value: unknown): void {
  response.writeHead(200, { "Content-Type": "application/json" }).end(JSON.stringify(value));
}
