import type { Sequence } from "./sequence.ts";

/** A mask that takes longer than this no longer holds up the sequences that could go on. */
const PATIENCE_MS = 20;

/** Waits for what sequences await, as long as that is worth it for all of them; afterwards some may still wait. */
export async function bePatient(sequences: readonly Sequence[]): Promise<void> {
  const now = performance.now();
  const awaited = sequences.flatMap((sequence) => sequence.awaited ?? []);
  const left = awaited.map(({ since }) => since + PATIENCE_MS - now);
  const fresh = awaited.filter((_, i) => left[i]! > 0);
  if (fresh.length === 0) return;
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, Math.max(...left));
  });
  await Promise.race([Promise.all(fresh.map(({ settled }) => settled)), late]);
  clearTimeout(timer);
}
