import type { QueryWindow } from "../attention-read.ts";
import type { Executable } from "../device.ts";
import type { Disposal } from "../disposal.ts";
import { KernelError } from "../kernel-error.ts";
import { OwnedQueryWindow } from "../query-window.ts";
import type { NativeAddon, QueriesHandle } from "./addon.ts";

export class NativeQueryWindow extends OwnedQueryWindow {
  readonly handle: QueriesHandle;
  readonly #addon: NativeAddon;

  constructor(
    addon: NativeAddon,
    executable: Disposal & Executable,
    handle: QueriesHandle,
    window: number,
    bytes: number,
  ) {
    super(executable, window, bytes);
    this.#addon = addon;
    this.handle = handle;
  }

  protected override release(): void {
    this.#addon.close(this.handle);
  }
}

/** Of a window that has been validated. */
export function queriesOf(queries: QueryWindow): QueriesHandle {
  if (queries instanceof NativeQueryWindow) return queries.handle;
  throw new KernelError("invalid-argument", "queries is not a query window of native kernels");
}
