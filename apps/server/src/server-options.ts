import { stat } from "node:fs/promises";
import { readApiKeyFile } from "./api-key-file.ts";
import { type ApiKey, ApiKeys } from "./api-keys.ts";
import type { Flags } from "./flags.ts";
import { isLoopback, type ServerOptions } from "./start-server.ts";

/** The server's options for these flags. Throws an error that names a flag whose file or folder is not there. */
export async function toServerOptions(flags: Flags): Promise<ServerOptions> {
  const apiKeys = await readKeys(flags);
  if (flags.admin && flags.adminKey === undefined && (apiKeys.length > 0 || !isLoopback(flags.host))) {
    throw new Error("--admin: goes only with a loopback --host and without API keys; set --admin-key");
  }
  if (flags.slotSavePath !== undefined) await checkFolder(flags.slotSavePath);
  const { host, port, bodyLimit, maxWaiting, maxWaitingTokens, maxRunning, adminKey } = flags;
  const { slotSavePath, cacheSecret, sharePrefixes, metricsCompat, requestDeadline } = flags;
  return {
    host,
    port,
    bodyLimit,
    maxWaiting,
    apiKeys,
    openAdmin: flags.admin ?? false,
    stallLimit: flags.stallSeconds * 1000,
    ...(maxWaitingTokens === undefined ? {} : { maxWaitingTokens }),
    ...(maxRunning === undefined ? {} : { maxRunning }),
    ...(adminKey === undefined ? {} : { adminKey }),
    ...(slotSavePath === undefined ? {} : { slotSavePath }),
    ...(cacheSecret === undefined ? {} : { cacheSecret }),
    ...(sharePrefixes === undefined ? {} : { sharePrefixes }),
    ...(metricsCompat === undefined ? {} : { metricsCompat }),
    ...(requestDeadline === undefined ? {} : { requestDeadline: Math.ceil(requestDeadline * 1000) }),
  };
}

async function readKeys({ apiKey = [], apiKeyFile }: Flags): Promise<readonly ApiKey[]> {
  const given = apiKey.map((key, at) => ({ name: `key${at + 1}`, key }));
  if (apiKeyFile === undefined) return given;
  const filed = await readApiKeyFile(apiKeyFile).catch((cause) => {
    throw new Error(`--api-key-file: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
  });
  const keys = [...given, ...filed];
  new ApiKeys(keys); // says before anything is loaded where two have one name
  return keys;
}

async function checkFolder(path: string): Promise<void> {
  const found = await stat(path).catch(() => undefined);
  if (!found?.isDirectory()) throw new Error(`--slot-save-path: ${JSON.stringify(path)} is no folder`);
}
