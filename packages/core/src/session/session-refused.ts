import { EngineError } from "../engine-error.ts";

/**
 * Why a saved file was not taken. `not-found`: it cannot be opened; `corrupt`: bytes changed, are missing or too many;
 * `other-model`, `other-format`: its pages mean something else here; `other-tenant`, `other-policy`: they are not
 * for whoever asked. Where several hold, damage of the head comes first, then the tenant.
 */
export type SessionRefusal =
  | "not-found"
  | "corrupt"
  | "other-model"
  | "other-format"
  | "other-tenant"
  | "other-policy";

/** A saved file that was not taken; the cache is as it was. The message begins with the reason and has no path in it. */
export class SessionRefused extends EngineError {
  readonly reason: SessionRefusal;
  constructor(reason: SessionRefusal, sentence: string, options?: ErrorOptions) {
    super("session-refused", `${reason}: ${sentence}`, "path", options);
    this.reason = reason;
  }
}

export function damagedHead(): SessionRefused {
  return new SessionRefused("corrupt", "the head of the file is damaged");
}
