import { Engine, type EngineOptions } from "@kvasir/core";
import { modelPath } from "@kvasir/tiny-models";
import OpenAI from "openai";
import type { AppOptions } from "../src/app-options.ts";
import { EngineEvents } from "../src/engine-events.ts";
import { type RunningServer, startServer } from "../src/start-server.ts";

/** A server over the embedded model, and OpenAI's client for it. */
export class RealServer {
  readonly engine: Engine;
  readonly server: RunningServer;
  readonly openai: OpenAI;

  private constructor(engine: Engine, server: RunningServer) {
    this.engine = engine;
    this.server = server;
    this.openai = new OpenAI({ baseURL: `${server.url}/v1`, apiKey: "none", maxRetries: 0 });
  }

  static async start(engine: Partial<EngineOptions> = {}, options: AppOptions = {}): Promise<RealServer> {
    const events = new EngineEvents();
    const loaded = await Engine.load({
      model: modelPath("tiny"),
      kvCache: { memory: "16MiB" },
      onWarning: () => {},
      onEvent: events.receive,
      ...engine,
    });
    return new RealServer(loaded, await startServer(loaded, { port: 0, events, ...options }));
  }

  async stop(): Promise<void> {
    await this.server.stop();
    await this.engine.dispose();
  }
}
