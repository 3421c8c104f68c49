import { expect, it } from "vitest";
import { createInterpreter } from "../src/interpreter/interpreter.ts";
import { Decoding } from "./decoding.ts";
import { Random } from "./random.ts";
import { tinyDecoder, tinyModel } from "./tiny-model.ts";

it("lets the event loop run while a step is under way", async () => {
  using device = createInterpreter();
  const wide = { ...tinyModel, width: 256, headDim: 64 };
  using decoding = new Decoding(device, tinyDecoder(91, wide));
  let [turns, running] = [0, true];
  const count = () => {
    turns++;
    if (running) setImmediate(count);
  };
  count();
  await decoding.step([decoding.sequence(), new Random(92).integers(60, 0, 49)]);
  running = false;
  // A hundred million multiplications take many turns of a few milliseconds on any machine.
  expect(turns).toBeGreaterThan(8);
});

it("describes itself", () => {
  using device = createInterpreter();
  expect([device.backend, device.description]).toEqual(["interpreter", "interpreter"]);
});
