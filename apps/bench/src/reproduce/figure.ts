import type { Device, DeviceOptions } from "@kvasir/kernels";
import type { ReproduceShape } from "./reproduce-shape.ts";

/** A text of the user's own. */
export type HeldOutText = { readonly name: string; readonly sha256: string; readonly content: string };

/** What a run of figures is made with. */
export type ReproduceSettings = {
  /** The shape of models with random weights; trained ones have their own. */
  readonly shape: ReproduceShape;
  /** Where models run; the command's. */
  readonly device: Device;
  /** What it was opened with, for figures that load an engine, which opens one of its own; default: the device's backend. */
  readonly deviceOptions?: DeviceOptions;
  /** What is measured on text takes it from there; default: a story that comes with the program. */
  readonly text?: HeldOutText;
  /** Of random weights, ids and draws. */
  readonly seed: number;
};

/** Anything that JSON holds. */
export type JsonValue =
  | string
  | number
  | boolean
  | null
  | readonly JsonValue[]
  | { readonly [key: string]: JsonValue };

/** Of a part that is being measured. */
export type PartContext = {
  readonly settings: ReproduceSettings;
  /** To be looked at between steps: a part that is given up is measured anew. */
  readonly signal: AbortSignal;
  /** @param share of the part that is done, 0 to 1 */
  onProgress(share: number): void;
};

/** What is measured at one go; a run that is interrupted goes on with the next one. */
export type Part<R extends JsonValue = JsonValue> = {
  /** Names every parameter of it, the seed, shape and device aside; a finished part is known by it. */
  readonly key: string;
  /** For people: what the progress bar says. */
  readonly label: string;
  /** About how long it takes on two cores, seconds; says what fits in a run's time. */
  readonly seconds: number;
  /** 0 first: all figures' parts of rank 0 come before any of rank 1. */
  readonly rank: number;
  measure(context: PartContext): Promise<R>;
};

/** One cell of a table: a text, a number as it is to be shown, or nothing. */
export type Cell = string | undefined;

export type TableBlock = {
  readonly kind: "table";
  readonly caption: string;
  readonly columns: readonly string[];
  readonly rows: readonly (readonly Cell[])[];
};

export type Axis = {
  readonly label: string;
  readonly scale: "linear" | "log";
};

export type Series = {
  readonly name: string;
  /** Ascending in x. */
  readonly points: readonly { readonly x: number; readonly y: number }[];
  /** Whether it is a published figure or a computed bound (dashed) rather than a measurement of ours. */
  readonly kind: "measured" | "published" | "computed";
};

export type LineChartBlock = {
  readonly kind: "lines";
  readonly caption: string;
  readonly x: Axis;
  readonly y: Axis;
  readonly series: readonly Series[];
};

export type HeatMapBlock = {
  readonly kind: "heat-map";
  readonly caption: string;
  /** What rows and columns are, such as "layer" and "KV head". */
  readonly rows: string;
  readonly columns: string;
  /** What each row and column is called, as many as there are; their numbers from 0 if not given. */
  readonly rowNames?: readonly string[];
  readonly columnNames?: readonly string[];
  /** [rows][columns]; undefined is not measured. */
  readonly values: readonly (readonly (number | undefined)[])[];
  /** Ends of the colour scale: two-sided where the first is negative. */
  readonly range: readonly [number, number];
};

export type Block = TableBlock | LineChartBlock | HeatMapBlock;

/** What the report says of a figure: plain sentences around tables and charts. */
export type Section = {
  /** What was run, in a sentence or two: models, lengths, formats, repetitions. */
  readonly run: string;
  readonly blocks: readonly Block[];
  /** Where it agrees with the paper, where it does not and why; computed from what was measured, never fixed. */
  readonly findings: readonly string[];
  /** What was not measured here and why. */
  readonly missing: readonly string[];
};

/** A figure or table of a paper, made on this software. */
export type Figure<R extends JsonValue = JsonValue> = {
  /** What the command calls it, such as `lckv-throughput`. */
  readonly name: string;
  readonly title: string;
  /** Authors, year, arXiv number, and which table or figure. */
  readonly source: string;
  parts(settings: ReproduceSettings): readonly Part<R>[];
  /**
   * @param results of finished parts, by key; others were not measured
   */
  section(results: ReadonlyMap<string, R>, settings: ReproduceSettings): Section;
};
