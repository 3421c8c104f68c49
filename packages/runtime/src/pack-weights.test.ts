import type { Tensor } from "@kvasir/kernels";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type GgufWeight, weightsOf, writeGgufModel } from "../tests/gguf-model.ts";
import { randomWeights, smallConfig, wideConfig, writeCheckpoint } from "../tests/random-checkpoint.ts";
import { trackingDevice } from "../tests/tracking-device.ts";
import type { Node, Value } from "./graph/graph.ts";
import { type Device, type LoadProgress, loadModel, type ModelOptions } from "./index.ts";
import { packWeights } from "./pack-weights.ts";

/** Two layers of seven matrices each, and a table that is the output head too. */
const tied = randomWeights({ sizes: wideConfig, tied: true });
const tiedConfig = { ...wideConfig, tie_word_embeddings: true };
const matrices = 15;

let device: Device;
let live: Set<object>;
beforeEach(() => {
  ({ device, live } = trackingDevice());
});
afterEach(() => device.dispose());

async function load<T>(
  options: Omit<ModelOptions, "device">,
  use: (model: Awaited<ReturnType<typeof loadModel>>) => T,
): Promise<T> {
  using folder = writeCheckpoint(tiedConfig, tied);
  using model = await loadModel(folder.path, { device, ...options });
  return use(model);
}

/** Runs before each matrix is packed. */
function beforePack(look: (weight: Tensor, count: number) => void): void {
  const pack = device.pack.bind(device);
  let count = 0;
  device.pack = (weight, dtype) => {
    look(weight, count++);
    return pack(weight, dtype);
  };
}

describe("loading with weights", () => {
  it("quantises matrices, and neither the table nor norms", async () => {
    await load({ weights: "q8_0" }, (model) => {
      expect(model.weightDtypes).toEqual(["q8_0"]);
      const dtypes = model.program.tensors.map(({ dtype, packed }) => `${dtype} ${packed}`);
      expect(dtypes.filter((one) => one === "q8_0 true")).toHaveLength(matrices);
      // The table, and two norms a layer and one at the end.
      expect(dtypes.filter((one) => one === "f32 false")).toHaveLength(1 + 5);
      expect(model.weightBytes).toBe(model.program.tensors.reduce((sum, { bytes }) => sum + bytes, 0));
    });
    expect(live.size).toBe(0);
  });

  it("gives every view up but the table of tied embeddings", async () => {
    const packed: Tensor[] = [];
    beforePack((weight) => packed.push(weight));
    await load({ weights: "q4_k" }, () => {
      expect(packed.filter((view) => live.has(view))).toHaveLength(1);
    });
    expect(packed).toHaveLength(matrices);
  });

  it.each([
    [0, 2],
    [3 * 2 ** 16, 3],
    [2 ** 26, 6],
  ])("begins matrices ahead up to %i bytes, or two", async (bytesAhead, most) => {
    const row: Value = { width: 256, rows: "tokens" };
    const weights = Array.from({ length: 6 }, () =>
      device.tensor("f32", [64, 256], new Float32Array(2 ** 14)),
    );
    const nodes = weights.map((weight): Node => {
      return { op: "linear", out: { width: 64, rows: "tokens" }, x: row, weight, bias: undefined };
    });
    const graph = { shape: { kvLayers: 1, kvHeads: 1, headDim: 2, vocabSize: 64 }, nodes, result: row };
    let reports = 0;
    const underWay: number[] = [];
    beforePack((_, count) => underWay.push(count + 2 - reports));
    const owned = new Set(weights);
    const onProgress = () => reports++;
    await packWeights(graph, owned, { device, weights: "q8_0", bytesAhead, onProgress, nameOf: () => "" });
    expect(underWay).toHaveLength(6);
    expect(Math.max(...underWay)).toBe(most);
    expect([...owned].every(({ packed }) => packed)).toBe(true);
    for (const tensor of owned) tensor.dispose();
  });

  it("says how far it is, from what takes no work to all bytes of the files", async () => {
    const seen: LoadProgress[] = [];
    await load({ weights: "q4_0", onProgress: (progress) => seen.push(progress) }, () => {});
    const total = Object.values(tied).reduce((sum, { data }) => sum + data.byteLength, 0);
    const norms = 5 * 256 * 4;
    expect(seen).toHaveLength(matrices + 1);
    expect(seen[0]).toEqual({ bytesDone: norms, bytesTotal: total });
    expect(seen.at(-1)).toEqual({ bytesDone: total, bytesTotal: total });
    const done = seen.map(({ bytesDone }) => bytesDone);
    expect(done).toEqual(done.toSorted((a, b) => a - b));
    const float: LoadProgress[] = [];
    await load({ onProgress: (progress) => float.push(progress) }, () => {});
    expect(float).toEqual([{ bytesDone: total, bytesTotal: total }]);
  });

  it.each<[string, Omit<ModelOptions, "device">, string]>([
    [
      "a format that is none to quantise to",
      { weights: "q6_k" as "q8_0" },
      'weights is "q6_k", expected one of q8_0, q4_0, q4_k',
    ],
    ["weights of another type", { weights: 8 as unknown as "q8_0" }, "weights is number"],
  ])("refuses %s", async (_, options, message) => {
    await expect(load(options, () => {})).rejects.toThrow(message);
    expect(live.size).toBe(0);
  });

  it("refuses rows that are no whole blocks before it packs anything, and names the tensor", async () => {
    beforePack(() => expect.fail("it packed"));
    using folder = writeCheckpoint(smallConfig, randomWeights());
    const loading = loadModel(folder.path, { device, weights: "q8_0" });
    await expect(loading).rejects.toMatchObject({ name: "ModelError", code: "invalid-option" });
    await expect(loading).rejects.toThrow(
      /weights is q8_0, but tensor "model\.layers\.0\.self_attn\.k_proj\.weight" has rows of 16, expected a multiple of 32/,
    );
    expect(live.size).toBe(0);
  });

  it("refuses a file that is quantised already, and names the tensor as the file does", async () => {
    const weights: Record<string, GgufWeight> = weightsOf(tied, (name) =>
      /v_proj/.test(name) ? "Q5_0" : undefined,
    );
    using file = await writeGgufModel({ config: wideConfig, weights });
    await expect(loadModel(file.path, { device, weights: "q8_0" })).rejects.toThrow(
      'weights is q8_0, but tensor "blk.0.attn_v.weight" is q5_0 already',
    );
    expect(live.size).toBe(0);
  });

  it.each(["aborted before", "aborted on the way", "with a reader of progress that throws", "that fails"])(
    "keeps nothing of loading %s",
    async (how) => {
      const controller = new AbortController();
      const reason = new Error(how);
      if (how === "aborted before") controller.abort(reason);
      if (how === "that fails") {
        beforePack((_, count) => {
          if (count === 5) throw reason;
        });
      }
      let reports = 0;
      const onProgress = () => {
        if (++reports < 4) return;
        if (how === "aborted on the way") controller.abort(reason);
        if (how.includes("throws")) throw reason;
      };
      const options = { weights: "q8_0", signal: controller.signal, onProgress } as const;
      await expect(load(options, () => {})).rejects.toBe(reason);
      expect(live.size).toBe(0);
    },
  );
});
