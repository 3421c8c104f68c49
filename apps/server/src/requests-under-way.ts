import type { GenerateRequest } from "@kvasir/core";

/** What the server knows of a request that the engine has. Times of `performance.now()`. */
export type Observation = {
  readonly id: string | undefined;
  readonly session: string | undefined;
  readonly arrival: number;
  generated: number;
  lastToken: number | undefined;
};

/** The requests that the engine has, in order of arrival, without their prompts. */
export class RequestsUnderWay {
  readonly #all = new Set<Observation>();
  /** When any request last got a token. */
  #lastToken: number | undefined;

  begin({ id, session }: GenerateRequest, arrival: number): Observation {
    const observation = { id, session, arrival, generated: 0, lastToken: undefined };
    this.#all.add(observation);
    return observation;
  }

  end(observation: Observation): void {
    this.#all.delete(observation);
    this.#lastToken = latest(this.#lastToken, observation.lastToken);
  }

  get list(): readonly Observation[] {
    return [...this.#all];
  }

  /** Of any request, ended ones included; undefined before the first. */
  get lastToken(): number | undefined {
    return this.list.reduce((last, each) => latest(last, each.lastToken), this.#lastToken);
  }
}

function latest(a: number | undefined, b: number | undefined): number | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return Math.max(a, b);
}
