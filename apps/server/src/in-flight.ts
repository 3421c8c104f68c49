import { setMaxListeners } from "node:events";

/** One request under way. */
export type Flight = {
  /** Aborts when the client leaves or `InFlight.abort` is called, with the reason of whichever was first. */
  readonly signal: AbortSignal;
  /** Takes it off the list and, where it still runs, aborts it. Idempotent. */
  end(): void;
};

/** The requests that generate, so that a shutdown can wait for them or end them. */
export class InFlight {
  readonly #controllers = new Set<AbortController>();
  #idle: (() => void)[] = [];
  /** True once a shutdown has begun: no new ones. */
  draining = false;

  get count(): number {
    return this.#controllers.size;
  }

  begin(client: AbortSignal): Flight {
    const controller = new AbortController();
    // Every choice and every input of one request listens to it.
    setMaxListeners(0, controller.signal);
    const leave = () => controller.abort(client.reason);
    if (client.aborted) leave();
    client.addEventListener("abort", leave, { once: true });
    this.#controllers.add(controller);
    const end = () => {
      client.removeEventListener("abort", leave);
      controller.abort();
      this.#controllers.delete(controller);
      if (this.count > 0) return;
      for (const resolve of this.#idle) resolve();
      this.#idle = [];
    };
    return { signal: controller.signal, end };
  }

  abort(reason: unknown): void {
    for (const controller of this.#controllers) controller.abort(reason);
  }

  /** Resolves when none is under way. */
  async whenIdle(): Promise<void> {
    if (this.count === 0) return;
    await new Promise<void>((resolve) => this.#idle.push(resolve));
  }
}
