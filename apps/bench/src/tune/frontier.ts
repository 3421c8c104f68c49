import type { Estimate } from "../quality/estimate.ts";
import type { Limits } from "./search.ts";

/** What a point takes and how far it strays. */
export type Cost = { readonly kvBytes: Estimate; readonly divergence: Estimate };

/** Whether both limits hold, at the upper ends of the intervals. */
export function satisfies({ kvBytes, divergence }: Cost, limits: Limits): boolean {
  return kvBytes.high <= limits.kvBytes && divergence.high <= limits.divergence;
}

function beats(a: Cost, b: Cost): boolean {
  const [memory, kl] = [a.kvBytes.value - b.kvBytes.value, a.divergence.value - b.divergence.value];
  return memory <= 0 && kl <= 0 && (memory < 0 || kl < 0);
}

/** Points that satisfy the limits and that no other of them beats, from the least memory on; of equal ones the first. */
export function frontierOf<T extends Cost>(points: readonly T[], limits: Limits): T[] {
  const fit = points.filter((point) => satisfies(point, limits));
  const same = (a: Cost, b: Cost) =>
    a.kvBytes.value === b.kvBytes.value && a.divergence.value === b.divergence.value;
  return fit
    .filter(
      (point, i) => !fit.some((other) => beats(other, point)) && !fit.slice(0, i).some((p) => same(p, point)),
    )
    .toSorted((a, b) => a.kvBytes.value - b.kvBytes.value);
}

/** The point with the least divergence within memory, and the one with the least memory at tolerable divergence. */
export function nearestTo<T extends Cost>(points: readonly T[], limits: Limits): T[] {
  const least = (of: keyof Limits, where: keyof Limits) =>
    points
      .filter((point) => point[where].high <= limits[where])
      .toSorted((a, b) => a[of].high - b[of].high)
      .slice(0, 1);
  return [...new Set([...least("divergence", "kvBytes"), ...least("kvBytes", "divergence")])];
}
