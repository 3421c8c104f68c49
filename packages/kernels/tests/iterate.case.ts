import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Device } from "../src/device.ts";
import { condensed, type Passes } from "./condensed-program.ts";
import { Decoding } from "./decoding.ts";
import { type Implementation, relativeError } from "./implementation.ts";
import { PageIds } from "./paged-sequence.ts";
import { Random } from "./random.ts";

/** A group of layers that attend to what is written above them. */
export function iterateCases({ name, open }: Implementation): void {
  describe(`${name}: iterate`, () => {
    const tokens = new Random(31).integers(9, 0, 39);
    const others = new Random(32).integers(25, 0, 39);
    let device: Device;
    beforeAll(() => {
      device = open();
    });
    afterAll(() => device.dispose());

    /** Logits of all tokens in chunks, in pages where other sequences left their keys. */
    async function logits(passes: Passes, size: number): Promise<Float32Array> {
      using decoding = new Decoding(device, condensed(passes), { pages: 8 });
      await decoding.step([decoding.sequence(), others]);
      return await decoding.inChunks(decoding.sequence(PageIds.inOrder(8)), tokens, size);
    }

    it("as many passes as tokens give the bits of decoding token by token", async () => {
      const tokenByToken = await logits({ passes: 1 }, 1);
      for (const size of [9, 4]) expect(await logits({ passes: size }, size)).toEqual(tokenByToken);
    });

    it("fewer passes give something else", async () => {
      const all = await logits({ passes: 9 }, 9);
      for (const passes of [1, 2, 4]) {
        expect(relativeError(await logits({ passes }, 9), all)).toBeGreaterThan(1e-4);
      }
    });

    it("is the body, written out so many times after zeros", async () => {
      for (const size of [9, 4]) {
        expect(await logits({ passes: 3 }, size)).toEqual(await logits("unrolled 3", size));
      }
    });

    it("more passes than tokens are the passes of as many tokens", async () => {
      expect(await logits({ passes: 1000 }, 9)).toEqual(await logits({ passes: 9 }, 9));
    });

    it("gives each sequence of a batch the same bits as alone", async () => {
      const alone = async (part: Int32Array) => {
        using decoding = new Decoding(device, condensed({ passes: 5 }));
        return (await decoding.step([decoding.sequence(), part]))[0];
      };
      using decoding = new Decoding(device, condensed({ passes: 5 }), {}, 5);
      const sequences = [0, 1, 2, 3].map(() => decoding.sequence());
      const parts = [tokens, others.subarray(0, 1), others.subarray(1, 4), others];
      const together = await decoding.step(...parts.map((part, i) => [sequences[i]!, part] as const));
      for (const [i, part] of parts.entries())
        expect(together[i], `sequence ${i}`).toEqual(await alone(part));
    });

    it("stops a sequence when a pass changed no key or value by more than the tolerance", async () => {
      const changes = await changesOfPasses(device, tokens);
      // Passes that changed less than all before them: one whose change the tolerance may lie above.
      const stops = changes.map((_, pass) => pass).filter((pass) => pass > 0 && changes[pass]! > 0);
      const usable = stops.filter((pass) =>
        changes.slice(0, pass).every((change) => change > 1.1 * changes[pass]!),
      );
      expect(usable.length).toBeGreaterThan(2);
      for (const stop of usable) {
        const tolerance = changes[stop]! * 1.05;
        expect(await logits({ passes: 9, tolerance }, 9), `pass ${stop}`).toEqual(
          await logits({ passes: stop }, 9),
        );
      }
    });

    it("with a tolerance of one sequence does not end the passes of another", async () => {
      const changes = await changesOfPasses(device, tokens);
      const tolerance = Math.max(...changes.slice(1)) / 50;
      using decoding = new Decoding(device, condensed({ passes: 9, tolerance }));
      const [one, two] = [decoding.sequence(), decoding.sequence()];
      const [first, second] = await decoding.step([one, others.subarray(0, 2)], [two, tokens]);
      using apart = new Decoding(device, condensed({ passes: 9, tolerance }));
      expect([first]).toEqual(await apart.step([apart.sequence(), others.subarray(0, 2)]));
      expect([second]).toEqual(await apart.step([apart.sequence(), tokens]));
    });
  });
}

/** Largest change of a stored key or value by pass 1 (from zeros), 2, ... */
async function changesOfPasses(device: Device, tokens: Int32Array): Promise<number[]> {
  const changes = [Infinity];
  let before: number[] | undefined;
  for (let passes = 1; passes <= tokens.length; passes++) {
    using decoding = new Decoding(device, condensed({ passes }));
    const sequence = decoding.sequence();
    await decoding.step([sequence, tokens]);
    const tables = sequence.slotTables();
    const [keys, values] = [
      await decoding.memory.readSlots("keys", tables),
      await decoding.memory.readSlots("values", tables),
    ];
    const now = [...keys, ...values].flatMap((data) => Array.from(data));
    changes.push(Math.max(...now.map((value, i) => Math.abs(value - (before?.[i] ?? 0)))));
    before = now;
  }
  return changes;
}
