import { rm } from "node:fs/promises";
import { Engine, type EngineOptions } from "@kvasir/core";
import { h2o, merge } from "@kvasir/kv-policies";
import { modelPath } from "@kvasir/tiny-models";
import { startServer } from "../src/start-server.ts";

// A server in a process of its own, which does what its parent says: see faulty-server.ts.
const warnings: string[] = [];
const options: EngineOptions = {
  model: modelPath("tiny"),
  kvCache: { memory: "8MiB" },
  threads: 2,
  policies: [merge(h2o)],
  integrity: "step",
  onWarning: (text) => warnings.push(text),
};
const engine = await Engine.load(options);
const server = await startServer(engine, { port: 0 });

const works: Record<string, () => Promise<unknown>> = {
  /** Another engine beside the server's, whose first steps find no memory that earlier ones took. */
  async load() {
    await using other = await Engine.load(options);
    const prompt = Array.from({ length: 90 }, (_, i) => 5 + i);
    for (const policy of ["l2-norm", "snapkv", "merge+h2o"])
      await other.complete({
        prompt,
        maxTokens: 3,
        ignoreEos: true,
        kvCache: { policy, budget: 48, recent: 8 },
      });
  },
  /** Leaves a prompt to the cache, saves it and has it back. */
  async cache() {
    const path = process.env.KVASIR_SAVED!;
    engine.resetCache();
    await engine.complete({ prompt: Array.from({ length: 40 }, (_, i) => 5 + i), maxTokens: 1 });
    await engine.saveCache(path);
    engine.resetCache();
    await engine.loadCache(path);
    await rm(path);
  },
  async state() {
    const { running, waiting, usedPages } = engine.stats();
    return { running, waiting, usedPages, owned: engine.checkIntegrity().owned, warnings };
  },
  async stop() {
    await server.stop();
    await engine.dispose();
    process.disconnect();
  },
};

process.on("message", async (name: string) => {
  try {
    process.send!({ done: (await works[name]!()) ?? null });
  } catch (error) {
    const { code, message, stack } = error as { code?: unknown; message?: unknown; stack?: unknown };
    process.send!({ code: code ?? null, message, stack });
  }
});
process.send!({ url: server.url });
