import type { Compaction, PageMemory, PageMemorySpec, SlotData } from "../device.ts";
import { Disposal } from "../disposal.ts";
import {
  validateCompactions,
  validateCopy,
  validatePageRead,
  validatePageWrite,
  validateSlotReads,
} from "../validate-memory.ts";
import { dtypeCodes, slotDataCodes } from "./abi-codes.ts";
import type { DeviceHandle, NativeAddon, PagesHandle } from "./addon.ts";
import { awaitNative, callNative } from "./native-error.ts";

export class NativePageMemory extends Disposal implements PageMemory {
  readonly spec: PageMemorySpec;
  readonly pageBytes: number;
  /** The device that may use it. */
  readonly device: Disposal;
  readonly handle: PagesHandle;
  readonly #addon: NativeAddon;

  constructor(addon: NativeAddon, device: Disposal, deviceHandle: DeviceHandle, spec: PageMemorySpec) {
    super("page memory", device);
    const { handle, pageBytes } = callNative(() =>
      addon.createPages(deviceHandle, spec.pages, spec.pageTokens, spec.headDim, dtypeCodes[spec.dtype]),
    );
    this.#addon = addon;
    this.device = device;
    this.handle = handle;
    this.spec = { ...spec };
    this.pageBytes = pageBytes;
  }

  async copyPages(from: Int32Array, to: Int32Array): Promise<void> {
    this.checkAlive();
    validateCopy(this.spec, from, to);
    return awaitNative(() => this.#addon.copyPages(this.handle, from, to));
  }

  async readPages(pages: Int32Array, out: Uint8Array): Promise<void> {
    this.checkAlive();
    validatePageRead(this, pages, out);
    return awaitNative(() => this.#addon.readPages(this.handle, pages, out));
  }

  async writePages(pages: Int32Array, bytes: Uint8Array): Promise<void> {
    this.checkAlive();
    validatePageWrite(this, pages, bytes);
    return awaitNative(() => this.#addon.writePages(this.handle, pages, bytes));
  }

  async compact(heads: readonly Compaction[]): Promise<void> {
    this.checkAlive();
    validateCompactions(this.spec, heads);
    return awaitNative(() =>
      this.#addon.compactPages(
        this.handle,
        heads.map((head) => head.source),
        heads.map((head) => head.keep),
        heads.map((head) => head.destination),
        Int32Array.from(heads, ({ merge }) => merge?.slots ?? -1),
        Float32Array.from(heads, ({ merge }) => merge?.threshold ?? 0),
      ),
    );
  }

  async readSlots(
    data: SlotData,
    tables: readonly { readonly pages: Int32Array; readonly slots: number }[],
  ): Promise<Float32Array[]> {
    this.checkAlive();
    validateSlotReads(this.spec, data, tables);
    const width = data === "keys" || data === "values" ? this.spec.headDim : 1;
    const out = callNative(() => tables.map(({ slots }) => new Float32Array(slots * width)));
    await awaitNative(() =>
      this.#addon.readSlots(
        this.handle,
        slotDataCodes[data],
        tables.map((table) => table.pages),
        Int32Array.from(tables, (table) => table.slots),
        out,
      ),
    );
    return out;
  }

  protected override release(): void {
    this.#addon.close(this.handle);
  }
}
