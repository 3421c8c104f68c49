import { readFile } from "node:fs/promises";
import type { Side, SideOptions } from "./side.ts";
import type { SideReply, SideRequest } from "./side-protocol.ts";

/** The process of one side: answers requests until its parent disconnects. */

let side: Side | undefined;

async function moduleOf({ kind }: SideOptions) {
  return kind === "kvasir" ? await import("./kvasir-side.ts") : await import("./llama-side.ts");
}

/** Linux counts for this program alone; elsewhere the number may include what ran before in the process. */
async function peakMemory(): Promise<number> {
  if (process.platform === "linux") {
    const match = /^VmHWM:\s+(\d+) kB$/m.exec(await readFile("/proc/self/status", "utf8"));
    if (match) return Number(match[1]) * 1024;
  }
  return process.resourceUsage().maxRSS * 1024;
}

async function answer(request: SideRequest): Promise<unknown> {
  switch (request.name) {
    case "load": {
      const { openSide } = await moduleOf(request.ask);
      const open = await openSide(request.ask as never);
      const start = performance.now();
      side = await open();
      return { ms: performance.now() - start, info: side.info };
    }
    case "generate":
      if (!side) throw new Error("generate: expected load before it");
      return side.generate(request.ask);
    case "logits": {
      const { options, probes } = request.ask;
      const { sideLogits } = await moduleOf(options);
      return sideLogits(options as never, probes);
    }
    case "peakMemory":
      return peakMemory();
  }
}

process.on("message", async (request: SideRequest) => {
  let reply: SideReply;
  try {
    reply = { value: await answer(request) };
  } catch (error) {
    reply = { error: error instanceof Error ? error.message : String(error) };
  }
  process.send?.(reply);
});
process.on("disconnect", async () => {
  await side?.dispose();
  process.exit();
});
