import type { EngineInfo } from "@kvasir/core";
import type { Setting } from "./config/settings.ts";
import { settingsTable } from "./config/shown-settings.ts";
import { formatBytes, formatCount } from "./quantity.ts";

/** What someone who has just started the server wants to know, for a terminal. */
export function startupReport(
  info: EngineInfo,
  url: string,
  version: string,
  { hasKeys, settings }: { readonly hasKeys: boolean; readonly settings: readonly Setting[] },
): string {
  const rows = [
    ["model", `${info.model} (${info.family}), ${weights(info)}`],
    ["device", info.device === info.backend ? info.device : `${info.device}, ${info.backend}`],
    ["cache", `${info.kvLayers} KV layers for ${info.layers} layers, map ${info.layerMap}`],
    [
      "",
      `${formatCount(info.bytesPerToken)} bytes per token (${info.kvDtype}, ${info.kvHeads} KV heads of ${info.headDim})`,
    ],
    ["", `${formatBytes(info.kvBytes)} hold ${formatCount(info.tokenCapacity)} tokens: ${requests(info)}`],
    ["policy", policy(info)],
    ["listening", url],
    ...settingsTable(settings.filter(({ from }) => from !== "default")).map((line, at) => [
      at === 0 ? "settings" : "",
      line,
    ]),
  ];
  const key = hasKeys ? " -H 'Authorization: Bearer <the API key>'" : "";
  return [
    `kvasir-server ${version}`,
    "",
    ...rows.map(([name, value]) => `  ${name!.padEnd(11)}${value}`),
    "",
    "Try it:",
    "",
    `  curl -N ${url}/v1/completions -H 'Content-Type: application/json'${key} \\`,
    `    -d '{"prompt": "Once upon a time", "max_tokens": 64, "stream": true}'`,
    "",
    "",
  ].join("\n");
}

function weights({ weightBytes, weightDtypes }: EngineInfo): string {
  return `${formatBytes(weightBytes)} of weights in ${weightDtypes.join(", ")}`;
}

function policy({ policy, policyOptions: { budget } }: EngineInfo): string {
  if (policy === "full" || budget === 1) return `${policy}: nothing is evicted`;
  return `${policy}: ${Number(budget) < 1 ? `${Number(budget) * 100} % of the tokens seen` : `${budget} tokens`} a head`;
}

function requests({ fullRequests, maxPositions }: EngineInfo): string {
  return `${fullRequests.toFixed(1)} requests of full length (${formatCount(maxPositions)} tokens)`;
}
