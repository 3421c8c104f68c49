import { createHash } from "node:crypto";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import path from "node:path";
import { isWhole, type PackedPackage } from "./packed-package.ts";

/** As much of an npm registry as `npm install` asks for, with the packages of the workspace. */
export class LocalRegistry {
  readonly #server: Server;
  readonly url: string;

  private constructor(server: Server) {
    this.#server = server;
    this.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  }

  static async start(packed: ReadonlyMap<string, PackedPackage>): Promise<LocalRegistry> {
    const tarballs = new Map([...packed.values()].map(({ tarball }) => [path.basename(tarball), tarball]));
    const server = createServer(({ url = "", headers }, response) => {
      const asked = decodeURIComponent(url.slice(1));
      const tarball = tarballs.get(asked);
      const found = packed.get(asked);
      if (tarball) response.end(readFileSync(tarball));
      else if (found && isWhole(found))
        response.end(JSON.stringify(metadata(found, `http://${headers.host}/`)));
      else response.writeHead(404).end("{}");
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    return new LocalRegistry(server);
  }

  stop(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }
}

function metadata({ manifest, tarball }: PackedPackage, url: string): object {
  const { name, version } = manifest;
  const integrity = `sha512-${createHash("sha512").update(readFileSync(tarball)).digest("base64")}`;
  const dist = { tarball: `${url}${path.basename(tarball)}`, integrity };
  return { name, "dist-tags": { latest: version }, versions: { [version]: { ...manifest, dist } } };
}
