import type { Generation } from "../generation.ts";
import type { reproduceShapes } from "../reproduce-shape.ts";

/** A model's largest batch and its tokens a second. */
export type PublishedRun = { readonly batch: number; readonly rate: number };

/** A row of table 1 of Wu and Tu 2024 (arXiv 2405.10637). */
export type PublishedRow = {
  readonly card: "RTX 3090" | "A100 80GB";
  /** Whether weights stay in the host's memory and are moved to the card in every step. */
  readonly offload: boolean;
  readonly shape: keyof typeof reproduceShapes;
  readonly generation: Generation;
  readonly standard: PublishedRun;
  /** By warm-up layers. */
  readonly lckv: Readonly<Record<2 | 10, PublishedRun>>;
};

type Numbers = readonly [batch: number, rate: number];

function row(
  card: PublishedRow["card"],
  shape: PublishedRow["shape"],
  [prompt, generated]: readonly [number, number],
  runs: readonly [standard: Numbers, two: Numbers, ten: Numbers],
  offload = false,
): PublishedRow {
  const [standard, two, ten] = runs.map(([batch, rate]) => ({ batch, rate })) as unknown as [
    PublishedRun,
    PublishedRun,
    PublishedRun,
  ];
  return { card, offload, shape, generation: { prompt, generated }, standard, lckv: { 2: two, 10: ten } };
}

/** Table 1: largest batches and throughput, the prompts' time included; m = 7, b = 2. */
export const publishedRows: readonly PublishedRow[] = [
  row(
    "RTX 3090",
    "1.1b",
    [5, 8187],
    [
      [48, 1424.96],
      [384, 4113.37],
      [119, 2374.05],
    ],
  ),
  row(
    "RTX 3090",
    "1.1b",
    [5, 2043],
    [
      [239, 5142.86],
      [1150, 10_033.4],
      [289, 7239.92],
    ],
  ),
  row(
    "RTX 3090",
    "7b",
    [5, 8187],
    [
      [1, 32.02],
      [12, 151.91],
      [4, 83.8],
    ],
  ),
  row(
    "RTX 3090",
    "7b",
    [2048, 2048],
    [
      [2, 56.98],
      [23, 171.65],
      [8, 119.68],
    ],
  ),
  row(
    "RTX 3090",
    "7b",
    [5, 2043],
    [
      [5, 140.88],
      [64, 534.02],
      [16, 315.38],
    ],
  ),
  row(
    "RTX 3090",
    "7b",
    [512, 512],
    [
      [9, 225.31],
      [95, 378.89],
      [32, 380.6],
    ],
  ),
  row(
    "RTX 3090",
    "7b",
    [512, 1024],
    [
      [7, 174.11],
      [72, 401.92],
      [16, 310.05],
    ],
  ),
  row(
    "RTX 3090",
    "30b",
    [512, 1024],
    [
      [4, 0.23],
      [83, 5.99],
      [23, 1.63],
    ],
    true,
  ),
  row(
    "A100 80GB",
    "7b",
    [2048, 2048],
    [
      [15, 141.1],
      [128, 421.02],
      [42, 315.09],
    ],
  ),
  row(
    "A100 80GB",
    "30b",
    [2048, 2048],
    [
      [1, 14.1],
      [32, 108.29],
      [8, 77.65],
    ],
  ),
];

/** "7B, RTX 3090". */
export function publishedName({ card, shape, offload }: PublishedRow): string {
  return `${shape.toUpperCase()}, ${card}${offload ? " with CPU offload" : ""}`;
}

/** The highest ratio of throughput in the table: w = 2 at 30B with CPU offload. */
export const publishedPeak = { row: publishedRows.find(({ offload }) => offload)!, ratio: 26 } as const;

/** Table 10: (nearly) equal batches on an A100, 2048+2048; the rates of w = 2 as multiples of Llama's. */
export const publishedEqualBatch = [
  {
    shape: "7B",
    standard: { batch: 15, rate: 141.1 },
    two: { batch: 16, rate: 367.56 },
    ten: { batch: 16, rate: 249.32 },
  },
  {
    shape: "30B",
    standard: { batch: 1, rate: 14.1 },
    two: { batch: 1, rate: 20.25 },
    ten: { batch: 1, rate: 19.14 },
  },
] as const;
