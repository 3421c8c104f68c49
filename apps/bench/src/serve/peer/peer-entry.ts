import path from "node:path";
import { openLlama } from "../../llama-api.ts";
import { FreeSequences } from "./free-sequences.ts";
import { PeerCompletions } from "./peer-completions.ts";
import type { PeerOptions, PeerReply } from "./peer-process.ts";
import { PeerServer } from "./peer-server.ts";

/** The process of a peer: told once what to serve, it serves until its parent disconnects. */

async function serve({ module, model, threads, sequences, contextTokens }: PeerOptions): Promise<string> {
  const llama = await openLlama(module, threads);
  const loaded = await llama.loadModel({ modelPath: model });
  const context = await loaded.createContext({
    threads: { ideal: threads, min: threads },
    sequences,
    contextSize: contextTokens,
  });
  const free = new FreeSequences(Array.from({ length: sequences }, () => context.getSequence()));
  const completions = new PeerCompletions(loaded, free, contextTokens);
  return new PeerServer(completions, path.basename(model, ".gguf")).listen();
}

process.once("message", async (options: PeerOptions) => {
  let reply: PeerReply;
  try {
    reply = { url: await serve(options) };
  } catch (error) {
    reply = { error: error instanceof Error ? error.message : String(error) };
  }
  process.send?.(reply);
});
process.on("disconnect", () => process.exit());
