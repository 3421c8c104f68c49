import { randomGamma } from "d3-random";
import { RandomSource } from "../random-source.ts";

/**
 * Gaps between arrivals in milliseconds, endlessly: gamma-distributed with mean `1000 / rate`. A shape
 * (`burstiness`) of 1 is a Poisson process. The same seed gives the same gaps.
 */
export function* arrivalGaps(rate: number, burstiness: number, seed: number): Generator<number, never> {
  const draw = randomGamma.source(new RandomSource(seed, "arrivals").unit)(
    burstiness,
    1000 / rate / burstiness,
  );
  for (;;) yield draw();
}
