import { EngineError } from "./engine-error.ts";
import type { KvCacheOptions } from "./engine-options.ts";
import { parseBytes } from "./memory-size.ts";
import type { ParkingPlace } from "./parked.ts";
import { received } from "./received.ts";
import { HostPages } from "./tiers/host-pages.ts";
import { SpillFile } from "./tiers/spill-file.ts";

/** What a copy there and back is thought to run at, in bytes a millisecond: low, since others use the memory, too. */
const speeds = { host: 2e6, file: 2e5 };

/** Where pages of preempted requests may go. Throws `invalid-options`. @param kvBytes bytes of all pages */
export function parkingPlaces({ hostMemory, spill }: KvCacheOptions, kvBytes: number): ParkingPlace[] {
  const places: ParkingPlace[] = [];
  const host =
    hostMemory === undefined
      ? Math.floor(kvBytes / 4)
      : hostMemory === 0
        ? 0
        : parseBytes(hostMemory, "kvCache.hostMemory");
  if (host > 0) places.push({ way: "host", store: new HostPages({ bytes: host }), speed: speeds.host });
  if (spill === undefined) return places;
  if (typeof spill !== "object" || spill === null || typeof spill.directory !== "string") {
    const message = `kvCache.spill: expected an object with directory and bytes, received ${received(spill)}`;
    throw new EngineError("invalid-options", message, "kvCache.spill");
  }
  const bytes = parseBytes(spill.bytes, "kvCache.spill.bytes");
  const store = new SpillFile({ directory: spill.directory, bytes });
  return [...places, { way: "file", store, speed: speeds.file }];
}
