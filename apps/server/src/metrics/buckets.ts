// The bounds of vLLM's histograms, so that dashboards made for them fit.

/** Seconds to a first token. */
export const firstTokenSeconds = [
  0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, 20, 40, 80, 160, 640,
  2560,
];

/** Seconds between two tokens. */
export const tokenSeconds = [
  0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, 20, 40, 80,
];

/** Seconds of a whole request, or of a part of it. */
export const requestSeconds = [
  0.3, 0.5, 0.8, 1, 1.5, 2, 2.5, 5, 10, 15, 20, 30, 40, 50, 60, 120, 240, 480, 960, 1920, 7680,
];

export const choices = [1, 2, 5, 10, 20];

/** Tokens of a step. */
export const stepTokens = [1, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16_384];

/** 1, 2, 5, 10, 20, ... up to `limit`. */
export function tokensUpTo(limit: number): number[] {
  const bounds: number[] = [];
  for (let decade = 1; decade <= limit; decade *= 10) {
    bounds.push(...[1, 2, 5].map((digit) => digit * decade).filter((bound) => bound <= limit));
  }
  return bounds;
}
