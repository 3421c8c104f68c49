import { describe, expect, it } from "vitest";
import {
  linearFrequencies,
  llama3Frequencies,
  plainFrequencies,
  yarnFrequencies,
  yarnMagnitude,
} from "./rope-frequencies.ts";

/** Pairs 0, 1, a quarter, a half, three quarters and the last. */
function sampled(frequencies: Float64Array): number[] {
  const n = frequencies.length;
  return [0, 1, n / 4, n / 2, (3 * n) / 4, n - 1].map((i) => frequencies[i]!);
}

function expectClose(received: readonly number[], expected: readonly number[]): void {
  expect(received.length).toBe(expected.length);
  for (const [i, value] of received.entries()) expect(value / expected[i]! - 1).toBeCloseTo(0, 13);
}

const llama31 = { factor: 8, lowFreqFactor: 1, highFreqFactor: 4, originalMaxPositions: 8192 };
const qwen3 = { factor: 4, betaFast: 32, betaSlow: 1, originalMaxPositions: 32_768, truncate: true };

describe("against transformers 5.18's rope functions, run in double precision", () => {
  it("llama3 of Llama 3.1 8B", () => {
    expectClose(
      sampled(llama3Frequencies(500_000, 128, llama31)),
      [
        1, 0.8146172338565447, 0.03760603093086393, 0.0005248461609929547, 6.647869871181236e-6,
        3.068925988914511e-7,
      ],
    );
  });

  it("llama3 of Llama 3.2 1B", () => {
    expectClose(
      sampled(llama3Frequencies(500_000, 64, { ...llama31, factor: 32 })),
      [
        1, 0.6636012376960885, 0.03760603093086393, 0.00042955679655936815, 1.661967467795309e-6,
        9.418306725434909e-8,
      ],
    );
  });

  it("YaRN of Qwen3 at 128K", () => {
    expectClose(
      sampled(yarnFrequencies(1e6, 128, qwen3)),
      [
        1, 0.8058421877614819, 0.03162277660168379, 0.0006029411764705882, 7.905694150420949e-6,
        3.102344401879299e-7,
      ],
    );
    expect(yarnMagnitude(4)).toBeCloseTo(1.138629436111989, 14);
  });

  it("YaRN with bounds that are not rounded to whole pairs", () => {
    const scaling = { ...qwen3, factor: 32, originalMaxPositions: 4096, truncate: false };
    expectClose(
      sampled(yarnFrequencies(150_000, 64, scaling)),
      [
        1, 0.6890443058881633, 0.050813274815461475, 0.00045648391922324086, 4.0999784818029795e-6,
        3.0235114281192144e-7,
      ],
    );
    expect(yarnMagnitude(32)).toBeCloseTo(1.3465735902799727, 14);
  });

  it("YaRN with DeepSeek's two magnitudes", () => {
    const scaling = { ...qwen3, factor: 40, originalMaxPositions: 4096 };
    expectClose(
      sampled(yarnFrequencies(10_000, 64, scaling)),
      [1, 0.7498942093324559, 0.1, 0.0055, 2.5e-5, 3.33380358040831e-6],
    );
    expect(yarnMagnitude(40, 707 / 1000) / yarnMagnitude(40, 1)).toBeCloseTo(0.9210423553163399, 14);
  });

  it("linear", () => {
    expectClose(
      sampled(linearFrequencies(10_000, 128, 4)),
      [0.25, 0.21649108084001634, 0.025, 0.0025, 0.00025, 2.8869549617236455e-5],
    );
  });
});

it("plain frequencies are the paper's theta_i = 10000^(-2(i-1)/d)", () => {
  expectClose([...plainFrequencies(10_000, 8)], [1, 0.1, 0.01, 0.001]);
});

it("Llama 3.1's scaling follows its definition by wavelength", () => {
  const plain = plainFrequencies(500_000, 128);
  const scaled = llama3Frequencies(500_000, 128, llama31);
  for (const [i, frequency] of plain.entries()) {
    const wavelength = (2 * Math.PI) / frequency;
    let expected = frequency;
    if (wavelength > 8192 / 1) expected = frequency / 8;
    else if (wavelength > 8192 / 4) {
      const smooth = (8192 / wavelength - 1) / (4 - 1);
      expected = ((1 - smooth) * frequency) / 8 + smooth * frequency;
    }
    expect(scaled[i]! / expected).toBeCloseTo(1, 13);
  }
});

it("YaRN leaves pairs of many turns alone and divides pairs of less than one", () => {
  const plain = plainFrequencies(1e6, 128);
  const scaled = yarnFrequencies(1e6, 128, qwen3);
  for (const [i, frequency] of plain.entries()) {
    const turns = (32_768 * frequency) / (2 * Math.PI);
    // Rounding to whole pairs moves each bound by less than one pair, a factor of 1.25 in turns.
    if (turns > 32 * 1.25) expect(scaled[i]).toBe(frequency);
    if (turns < 1 / 1.25) expect(scaled[i]! * 4).toBeCloseTo(frequency, 15);
    expect(scaled[i]!).toBeLessThanOrEqual(frequency);
    expect(scaled[i]!).toBeGreaterThanOrEqual(frequency / 4);
  }
});

it("YaRN stays finite where both bounds fall on one pair", () => {
  const scaling = { ...qwen3, betaFast: 1, truncate: false };
  expect(yarnFrequencies(1e6, 128, scaling).every(Number.isFinite)).toBe(true);
});
