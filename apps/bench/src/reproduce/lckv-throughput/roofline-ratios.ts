import { type Generation, generationText } from "../generation.ts";
import { identityMap, lckvMap } from "../layer-maps.ts";
import { publishedPasses } from "../random-model.ts";
import { type ReproduceShape, reproduceShapes } from "../reproduce-shape.ts";
import {
  type MachineRates,
  predictedThroughput,
  type SizedModel,
  sizedModel,
  trafficToCompute,
  withTrafficToCompute,
} from "../step-cost.ts";
import { cardRates } from "./cards.ts";
import type { LckvMeasures } from "./lckv-measures.ts";
import { standardKey, warmupKey } from "./lckv-models.ts";
import { type PublishedRow, publishedName, publishedRows } from "./published.ts";

/** Llama beside LCKV with 2 warm-up layers, each at its own batch, on one machine. */
export type RooflineCase = {
  readonly name: string;
  readonly shape: ReproduceShape;
  readonly generation: Generation;
  readonly batches: { readonly standard: number; readonly lckv: number };
  readonly rates: MachineRates;
  /** Measured throughput of LCKV over Llama's, by us or in the paper. */
  readonly measured: number;
  readonly published: boolean;
};

const sized = (shape: ReproduceShape, layerMap: string): SizedModel =>
  sizedModel(shape, layerMap, publishedPasses);

/** Every row of the paper, on its card. */
export function publishedCases(): RooflineCase[] {
  return publishedRows.map(publishedCase);
}

export function publishedCase(row: PublishedRow): RooflineCase {
  return {
    name: `${publishedName(row)}, ${generationText(row.generation)}`,
    shape: reproduceShapes[row.shape],
    generation: row.generation,
    batches: { standard: row.standard.batch, lckv: row.lckv[2].batch },
    rates: cardRates(row),
    measured: row.lckv[2].rate / row.standard.rate,
    published: true,
  };
}

/** Every generation that was measured here. */
export function ownCases(measures: LckvMeasures, shape: ReproduceShape, rates: MachineRates): RooflineCase[] {
  return measures.measured.flatMap(({ generation, rows }) => {
    const standard = rows.find(({ model }) => model === standardKey);
    const lckv = rows.find(({ model }) => model === warmupKey(2));
    if (!standard || !lckv?.ratio) return [];
    return {
      name: `${shape.name} here, ${generationText(generation)}`,
      shape,
      generation,
      batches: { standard: standard.batch, lckv: lckv.batch },
      rates,
      measured: lckv.ratio.median,
      published: false,
    };
  });
}

/** LCKV's throughput over Llama's by the roofline. */
export function predictedRatio(one: RooflineCase): number {
  return ratioOf(one, one.rates, modelsOf(one));
}

type Pair = { readonly standard: SizedModel; readonly lckv: SizedModel };

function modelsOf({ shape }: RooflineCase): Pair {
  const { layers } = shape;
  return { standard: sized(shape, identityMap(layers)), lckv: sized(shape, lckvMap(layers, 2)) };
}

function ratioOf(
  { generation, batches }: RooflineCase,
  rates: MachineRates,
  { standard, lckv }: Pair,
): number {
  return (
    predictedThroughput(lckv, batches.lckv, generation, rates) /
    predictedThroughput(standard, batches.standard, generation, rates)
  );
}

/** Reading the standard model's weights over computing one token: see `trafficToCompute`. */
export function caseTraffic({ shape, rates }: RooflineCase): number {
  return trafficToCompute(sized(shape, identityMap(shape.layers)), rates);
}

/** The ratio at each of some values of {@link caseTraffic}, were the weights read more slowly or faster. */
export function ratiosAt(one: RooflineCase, traffic: readonly number[]): number[] {
  const models = modelsOf(one);
  return traffic.map((ratio) =>
    ratioOf(one, withTrafficToCompute(models.standard, one.rates, ratio), models),
  );
}

/** What the ratio comes to where nothing but the reading of weights takes time. */
export function ratioLimit(one: RooflineCase): number {
  return ratiosAt(one, [1e9])[0]!;
}

/** Where the ratio first reaches `ratio`, of a fine grid; undefined where it never does. */
export function trafficOf(one: RooflineCase, ratio: number): number | undefined {
  const grid = trafficGrid(-1, 7, 50);
  const at = ratiosAt(one, grid).findIndex((reached) => reached >= ratio);
  return grid[at];
}

/** Powers of ten from one exponent to another. */
export function trafficGrid(low: number, high: number, perDecade: number): number[] {
  return Array.from({ length: (high - low) * perDecade + 1 }, (_, i) => 10 ** (low + i / perDecade));
}
