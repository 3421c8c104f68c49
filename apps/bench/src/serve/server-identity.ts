import type { HttpClient } from "./client/http-client.ts";

/** What a server says of itself. */
export type ServerIdentity = {
  readonly url: string;
  /** The id that requests name. */
  readonly model: string;
  /** Its entry of the list of models, as it came. */
  readonly listed?: unknown;
  /** Its answer at `/version`, where it has that route. */
  readonly version?: unknown;
};

const longestShown = 64 * 1024;

/** Asks for the list of models and the version. Throws where neither `model` nor a list says what to name. */
export async function serverIdentity(
  client: HttpClient,
  model: string | undefined,
  signal: AbortSignal,
): Promise<ServerIdentity> {
  const list = await asked(client, "/models", signal);
  const route = new URL("/version", client.url).href;
  const version = await asked(client, route, signal).catch(() => undefined);
  signal.throwIfAborted();
  const entries = dataOf(list);
  const listed = model === undefined ? entries[0] : entries.find(({ id }) => id === model);
  const id = model ?? listed?.id;
  if (typeof id !== "string")
    throw new Error(
      `${client.url}/models: expected a list of models, received none; name the model with --model`,
    );
  return {
    url: client.url,
    model: id,
    ...(listed !== undefined && { listed }),
    ...(version !== undefined && { version }),
  };
}

/** The JSON at a path; undefined where there is none. Throws where no server answers. */
async function asked(client: HttpClient, path: string, signal: AbortSignal): Promise<unknown> {
  const { status, text } = await client.get(path, signal).catch((cause: unknown) => {
    throw new Error(`${client.url}: no server answers (${cause instanceof Error ? cause.message : cause})`, {
      cause,
    });
  });
  if (status === 401 || status === 403)
    throw new Error(`${client.url}: expected a server that lets us in, received ${status}; see --api-key`);
  if (status !== 200 || text.length > longestShown) return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function dataOf(list: unknown): readonly { readonly id?: unknown }[] {
  const data = typeof list === "object" && list !== null && "data" in list ? list.data : [];
  return Array.isArray(data) ? data.filter((entry) => typeof entry === "object" && entry !== null) : [];
}
