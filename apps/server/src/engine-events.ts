import type { EngineEvent } from "@kvasir/core";

type Listener = (event: EngineEvent) => void;

/** Carries an engine's events to a server that starts after it. */
export class EngineEvents {
  readonly #listeners = new Set<Listener>();

  /** For the engine's `onEvent`. */
  readonly receive: Listener = (event) => {
    for (const listener of this.#listeners) listener(event);
  };

  /** Returns what ends it. */
  subscribe(listener: Listener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}
