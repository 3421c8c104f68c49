import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Device } from "../src/device.ts";
import type { Step } from "../src/step.ts";
import { type Implementation, refused } from "./implementation.ts";
import { collect, SignalledSequence } from "./signalled-sequence.ts";

/** Steps that collect, or hold queries, in a way that makes no sense: the error names the field. */
export function badCollectionCases({ name, open }: Implementation): void {
  describe(`${name}: bad collections`, () => {
    let device: Device;
    let signalled: SignalledSequence;
    beforeAll(async () => {
      device = open();
      signalled = await SignalledSequence.on(device);
    });
    afterAll(() => {
      signalled[Symbol.dispose]();
      device.dispose();
    });

    it.each<[string, RegExp, (sequence: SignalledSequence) => Step]>([
      [
        "a window that is none",
        /sequences\[0\]\.queries is not a query window of this/,
        (s) => s.step({ queries: {} }),
      ],
      ["null for a window", /sequences\[0\]\.queries is not/, (s) => s.step({ queries: null })],
      [
        "one window twice",
        /sequences\[1\]\.queries is also that of sequences\[0\]/,
        (s) => s.step({ queries: s.queries }, { queries: s.queries }),
      ],
      [
        "a number to collect by",
        /sequences\[1\]\.collect is 3; expected an object/,
        (s) => s.step({}, { collect: 3 }),
      ],
      ["null to collect by", /sequences\[0\]\.collect is null/, (s) => s.step({ collect: null })],
      [
        "another reduction",
        /sequences\[0\]\.collect\.reduce is "median"; expected mean, max or sum/,
        (s) => s.step({ collect: { ...collect, reduce: "median" } }),
      ],
      ["no reduction", /collect\.reduce is undefined/, (s) => s.step({ collect: { temperature: 1 } })],
      [
        "a temperature of 0",
        /collect\.temperature is 0; expected a number from 1e-6 to 1e6/,
        (s) => s.step({ collect: { ...collect, temperature: 0 } }),
      ],
      [
        "a temperature that scores divided by do not fit f32",
        /collect\.temperature is 1e-60/,
        (s) => s.step({ collect: { ...collect, temperature: 1e-60 } }),
      ],
      [
        "a temperature that makes scores infinite",
        /temperature is 1e-30; expected/,
        (s) => s.step({ collect: { ...collect, temperature: 1e-30 } }),
      ],
      [
        "a temperature above 1e6",
        /temperature is 1000001; expected/,
        (s) => s.step({ collect: { ...collect, temperature: 1000001 } }),
      ],
      [
        "a temperature that is NaN",
        /collect\.temperature is NaN/,
        (s) => s.step({ collect: { ...collect, temperature: Number.NaN } }),
      ],
      ["no temperature", /collect\.temperature is undefined/, (s) => s.step({ collect: { reduce: "max" } })],
      [
        "a negative seed",
        /collect\.noiseSeed is -1; expected an integer from 0 to 4294967295/,
        (s) => s.step({ collect: { ...collect, noiseSeed: -1 } }),
      ],
      [
        "a seed of 33 bits",
        /collect\.noiseSeed is 4294967296/,
        (s) => s.step({ collect: { ...collect, noiseSeed: 2 ** 32 } }),
      ],
      [
        "a seed of a half",
        /collect\.noiseSeed is 0\.5/,
        (s) => s.step({ collect: { ...collect, noiseSeed: 0.5 } }),
      ],
      [
        "a seed that is null",
        /collect\.noiseSeed is null/,
        (s) => s.step({ collect: { ...collect, noiseSeed: null } }),
      ],
      [
        "pages to collect in that another sequence writes",
        /sequences\[1\]\.pages\[0\] is page 0, which is written twice/,
        (s) => s.step({ collect }, { pages: Int32Array.of(0, 9, 10, 11) }),
      ],
      [
        "pages to collect in that another sequence collects in",
        /sequences\[1\]\.pages\[0\] is page 0, which is written twice/,
        (s) =>
          s.step(
            { collect },
            {
              collect,
              position: 20,
              resident: new Int32Array(4).fill(16),
              pages: Int32Array.of(0, 8, 2, 9, 4, 10, 6, 11),
            },
          ),
      ],
    ])("a step with %s changes nothing", async (_, message, bad) => {
      const before = await signalled.state();
      await refused(signalled.run(bad(signalled)), message);
      expect(await signalled.state()).toEqual(before);
    });

    it("a page that is only read may be that of a sequence that does not collect", async () => {
      using memory = device.pageMemory(signalled.decoding.memory.spec);
      const pages = Int32Array.of(0, 8, 2, 9, 4, 10, 6, 11);
      const shared = { position: 20, resident: new Int32Array(4).fill(16), pages };
      await refused(signalled.run(signalled.step(shared, shared), memory), /page 8, which is written twice/);
      const own = { ...shared, pages: Int32Array.of(0, 12, 2, 13, 4, 14, 6, 15) };
      await signalled.run(signalled.step(shared, own), memory);
      const apart = { collect, pages: Int32Array.of(16, 17, 18, 19, 20, 21, 22, 23) };
      await signalled.run(signalled.step(apart, shared), memory);
    });
  });
}
