import type { Device } from "../src/device.ts";
import type { DType } from "../src/dtype.ts";
import type { AttentionCollection } from "../src/step.ts";
import type { Random } from "./random.ts";
import { SignalModel } from "./signal-model.ts";
import { type SignalPart, type SignalSequence, SignalWorld } from "./signal-world.ts";

/** Up to three sequences of a random model, each with its own window, sinks and way to collect. */
export function randomWorld(random: Random, device: Device): SignalWorld {
  const dynamic = random.next() < 0.2;
  const layersOf = random.pick([[1], [2], [3], [1, 2], [2, 0, 1]]);
  const headDim = random.pick(dynamic ? [6, 20, 64] : [2, 6, 20, 64]);
  const model = new SignalModel(random, random.integer(1, 3), headDim, layersOf, dynamic);
  const dtype = random.pick<DType>(["f32", "f16", "bf16"]);
  const world = new SignalWorld(model, device, random, { dtype, pageTokens: random.pick([16, 32]) });
  for (let i = random.integer(1, 3); i > 0; i--) {
    const sinks = dynamic ? 0 : random.pick([0, 0, 1, 4, 20]);
    world.sequence(random.pick([1, 2, 7, 16, 33, 512]), randomCollection(random), sinks);
  }
  return world;
}

export function randomCollection(random: Random): AttentionCollection {
  return {
    reduce: random.pick(["mean", "max", "sum"]),
    temperature: random.pick([1, 1, 0.5, 1.7]),
    ...(random.next() < 0.4
      ? { noiseSeed: random.pick([0, 1, 0xffffffff, random.integer(0, 2 ** 31)]) }
      : {}),
  };
}

/** Runs a step of some of the sequences; now and then one loses slots, or takes rows back to run others there. */
export async function randomStep(random: Random, world: SignalWorld): Promise<void> {
  const parts: SignalPart[] = world.sequences
    .filter((_, i) => i === 0 || random.next() < 0.7)
    .map((sequence) => ({
      sequence,
      rows: random.pick([1, random.integer(2, 36), random.integer(20, 60)]),
      collects: random.next() < 0.9,
      holds: random.next() < 0.9,
    }));
  await world.step(parts);
  for (const { sequence, rows } of parts) {
    if (random.next() < 0.2) world.rewind(sequence, random.integer(1, rows));
    else if (random.next() < 0.3) await world.evict(sequence);
  }
}

export function describeWorld(world: SignalWorld, sequence: SignalSequence): string {
  const { kvHeads, headDim, layers } = world.model;
  const { queries, sinks, collect, paged } = sequence;
  const masks = layers.map(({ kvLayer, group, strict, window }) => ({ kvLayer, group, strict, window }));
  const { position, resident } = paged;
  return JSON.stringify({
    kvHeads,
    headDim,
    masks,
    ring: queries.window,
    sinks,
    collect,
    position,
    resident,
  });
}
