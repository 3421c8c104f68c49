import { type Bracket, middleOf, narrowed, widened } from "./bracket.ts";
import { budgetsOfFinalist, mostRuns, roundsOf, stayAfter, stepsOf } from "./search-plan.ts";
import { type MeasurePoints, type Point, type PointSample, TriedPoints } from "./tried-points.ts";

export type Limits = {
  /** Bytes of pages of one request. */
  readonly kvBytes: number;
  /** Nats. */
  readonly divergence: number;
};

export type SearchOptions = {
  /** Policies with protected layers, one or more; each has all budgets. */
  readonly candidates: number;
  /** The smallest budget that is any different from smaller ones, in hundredths, 1 to 100. */
  readonly lowest: number;
  readonly limits: Limits;
  /** Windows that steer in the last round, and windows that judge; at least 2. */
  readonly windows: number;
  readonly measure: MeasurePoints;
  /** Called before each round with the windows that will still run, at most. */
  readonly onRound?: (runs: number) => void;
};

export type JudgedPoint = Point & { readonly samples: readonly PointSample[] };

/** `divergence`: the smallest tolerable budget is above. `kvBytes`: the largest that fits is below. */
type Candidate = { readonly candidate: number } & Readonly<Record<keyof PointSample, Bracket>>;
const edges = ["divergence", "kvBytes"] as const;

/**
 * Looks for budgets at which candidates meet both limits. Per candidate, two edges are bisected: where divergence
 * becomes tolerable, and where memory becomes too much. Few windows steer the first round; after each, the better
 * half goes on with twice as many (successive halving: Jamieson and Talwalkar 2016). Budgets between the edges of the
 * last ones are then measured on windows that steered nothing. Bisection takes both for monotone; where divergence is
 * not, a budget that would do may be missed, but each point that is returned stands for its own samples.
 */
export async function search(options: SearchOptions): Promise<JudgedPoint[]> {
  const { lowest, limits, windows, measure, onRound = () => {} } = options;
  const tried = new TriedPoints(measure, windows);
  const widest = {
    divergence: { below: lowest - 1, above: 100 },
    kvBytes: { below: lowest, above: 101 },
  };
  let alive = Array.from(
    { length: options.candidates },
    (_, candidate): Candidate => ({ candidate, ...widest }),
  );
  for (const [round, count] of roundsOf(windows).entries()) {
    onRound(mostRuns(alive.length, windows, round));
    if (round > 0) {
      alive = alive.map(({ candidate, divergence, kvBytes }) => ({
        candidate,
        divergence: widened(divergence, widest.divergence),
        kvBytes: widened(kvBytes, widest.kvBytes),
      }));
    }
    for (let step = 0; step < stepsOf(round); step++) {
      await tried.extend(alive.flatMap(middlesOf), count);
      alive = alive.map((one) => halved(one, tried, limits));
    }
    await tried.extend(alive.flatMap(endsOf), count);
    alive = best(alive, stayAfter(round, alive.length, windows), tried, count, limits);
  }
  const points = alive.flatMap(spreadOf);
  const judged = await measure(points, { purpose: "judge", from: 0, to: windows });
  return points.map((point, i) => ({ ...point, samples: judged[i]! }));
}

function middlesOf(one: Candidate): Point[] {
  return edges.flatMap((edge) => {
    const percent = middleOf(one[edge]);
    return percent === undefined ? [] : [{ candidate: one.candidate, percent }];
  });
}

const endsOf = ({ candidate, divergence, kvBytes }: Candidate): Point[] => [
  { candidate, percent: divergence.above },
  { candidate, percent: kvBytes.below },
];

const meets = (tried: TriedPoints, point: Point, edge: keyof PointSample, limits: Limits): boolean =>
  tried.expectedHigh(point, edge) <= limits[edge];

function halved(one: Candidate, tried: TriedPoints, limits: Limits): Candidate {
  const next = (edge: keyof PointSample): Bracket => {
    const percent = middleOf(one[edge]);
    if (percent === undefined) return one[edge];
    const met = meets(tried, { candidate: one.candidate, percent }, edge, limits);
    return narrowed(one[edge], percent, edge === "divergence" ? met : !met);
  };
  return { candidate: one.candidate, divergence: next("divergence"), kvBytes: next("kvBytes") };
}

/**
 * Those with the least memory at tolerable divergence and those with the least divergence within memory, in turns:
 * both ends of the frontier are wanted.
 */
function best(
  alive: readonly Candidate[],
  count: number,
  tried: TriedPoints,
  windows: number,
  limits: Limits,
): Candidate[] {
  const ranked = alive.map((one) => {
    const points = tried.known(one.candidate, windows);
    const least = (of: keyof PointSample, where: keyof PointSample) =>
      points
        .filter((point) => meets(tried, point, where, limits))
        .reduce((sum, point) => Math.min(sum, tried.mean(point, of).value), Infinity);
    return { one, kvBytes: least("kvBytes", "divergence"), divergence: least("divergence", "kvBytes") };
  });
  // Differences of two infinities are no numbers.
  const order = (a: number, b: number) => (a === b ? 0 : a < b ? -1 : 1);
  const queues = [
    ranked.toSorted((a, b) => order(a.kvBytes, b.kvBytes) || order(a.divergence, b.divergence)),
    ranked.toSorted((a, b) => order(a.divergence, b.divergence) || order(a.kvBytes, b.kvBytes)),
  ];
  const chosen = new Set<Candidate>();
  for (let turn = 0; chosen.size < count; turn++) {
    const next = queues[turn % 2]!.find(({ one }) => !chosen.has(one));
    chosen.add(next!.one);
  }
  return alive.filter((one) => chosen.has(one));
}

/** Budgets from one edge to the other; where they do not meet, both edges. */
function spreadOf({ candidate, divergence: { above: from }, kvBytes: { below: to } }: Candidate): Point[] {
  const percents =
    from > to
      ? [to, from]
      : Array.from({ length: budgetsOfFinalist }, (_, i) =>
          Math.round(from + ((to - from) * i) / (budgetsOfFinalist - 1)),
        );
  return [...new Set(percents)].map((percent) => ({ candidate, percent }));
}
