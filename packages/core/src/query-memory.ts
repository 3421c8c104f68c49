import type { PagePool } from "@kvasir/paged-memory";
import type { Model, PageMemory } from "@kvasir/runtime";
import type { Sequence } from "./sequence.ts";

/**
 * Whether there is memory for the queries that a sequence's policy goes by: all those of running sequences take no
 * more than the pages do, so that requests with large windows cannot exhaust the machine. One alone always may.
 */
export function queriesFit(
  { policy }: Sequence,
  running: readonly Sequence[],
  { model, memory, pool }: { readonly model: Model; readonly memory: PageMemory; readonly pool: PagePool },
): boolean {
  const taken = running.reduce((sum, { queries }) => sum + (queries?.bytes ?? 0), 0);
  if (taken === 0 || policy.window === 0) return true;
  const { layers, heads } = model.config;
  const wanted = policy.window * 4 * (layers * heads * model.headDim + 1);
  return taken + wanted <= pool.capacity * memory.pageBytes;
}
