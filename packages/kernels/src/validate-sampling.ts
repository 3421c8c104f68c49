import {
  checkElements,
  checkInt32Array,
  checkInteger,
  checkLength,
  checkNumber,
  invalidArgument,
} from "./check-argument.ts";
import type { Sampling } from "./step.ts";

/** Numbers cross the C ABI as f32: a topP that rounds to 0, say, must not get through. */
const inF32 = (ok: (x: number) => boolean) => (x: number) => ok(x) && ok(Math.fround(x));
const finite = inF32(Number.isFinite);

/** Checks the settings of one output; `name` is how messages call it. */
export function validateSampling(name: string, s: Sampling, vocabSize: number): void {
  checkNumber(
    `${name}.temperature`,
    s.temperature,
    "0, or a finite number above 0",
    (x) => x === 0 || inF32((t) => t > 0 && Number.isFinite(t))(x),
  );
  checkInteger(`${name}.topK`, s.topK, 0, 0x7fffffff);
  checkNumber(
    `${name}.topP`,
    s.topP,
    "a number in (0, 1]",
    inF32((x) => x > 0 && x <= 1),
  );
  checkNumber(`${name}.minP`, s.minP, "a number in [0, 1]", (x) => x >= 0 && x <= 1);
  checkNumber(
    `${name}.repetitionPenalty`,
    s.repetitionPenalty,
    "a finite number above 0",
    inF32((x) => x > 0 && Number.isFinite(x)),
  );
  checkNumber(`${name}.presencePenalty`, s.presencePenalty, "a finite number", finite);
  checkNumber(`${name}.frequencyPenalty`, s.frequencyPenalty, "a finite number", finite);
  if (typeof s.seed !== "bigint" || s.seed < 0n || s.seed >= 1n << 64n) {
    invalidArgument(`${name}.seed is ${String(s.seed)}; expected a bigint from 0 to 2^64 - 1`);
  }
  checkInteger(`${name}.draw`, s.draw, 0, Number.MAX_SAFE_INTEGER);
  checkInt32Array(`${name}.history`, s.history);
  checkElements(`${name}.history`, s.history, 0, vocabSize - 1);
  checkInteger(`${name}.promptLength`, s.promptLength, 0, s.history.length);
  checkInteger(`${name}.topLogprobs`, s.topLogprobs, -1, vocabSize);
  checkBias(name, s, vocabSize);
  if (s.allowed !== undefined) checkAllowed(`${name}.allowed`, s.allowed, vocabSize);
}

function checkAllowed(name: string, allowed: unknown, vocabSize: number): void {
  if (!(allowed instanceof Uint32Array)) invalidArgument(`${name} must be a Uint32Array`);
  const words = Math.ceil(vocabSize / 32);
  checkLength(name, allowed.length, words, `32 tokens each, of a vocabulary of ${vocabSize}`);
  const last = vocabSize % 32 === 0 ? 0xffffffff : 2 ** (vocabSize % 32) - 1;
  // Masks that a grammar makes have a bit early on, so the scan is short.
  for (let i = 0; i < words - 1; i++) if (allowed[i] !== 0) return;
  if ((allowed[words - 1]! & last) !== 0) return;
  invalidArgument(`${name} has no bit set; expected at least one token that may be drawn`);
}

function checkBias(name: string, { biasIds, biasValues }: Sampling, vocabSize: number): void {
  checkInt32Array(`${name}.biasIds`, biasIds);
  checkElements(`${name}.biasIds`, biasIds, 0, vocabSize - 1);
  if (!(biasValues instanceof Float32Array)) invalidArgument(`${name}.biasValues must be a Float32Array`);
  checkLength(`${name}.biasValues`, biasValues.length, biasIds.length, "one for each of biasIds");
  biasValues.forEach((value, i) => {
    checkNumber(`${name}.biasValues[${i}]`, value, "a number below Infinity", (x) => x < Infinity);
  });
}
