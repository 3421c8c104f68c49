import { benchVersion } from "../../bench-version.ts";
import type { Conditions } from "../../conditions.ts";
import type { Figure, JsonValue, ReproduceSettings, Section } from "../figure.ts";
import type { ReproduceShape } from "../reproduce-shape.ts";
import type { PartOutcome } from "../run-figures.ts";

/** A part of a figure: what was measured and when, or why there is nothing. */
export type PartReport = {
  readonly key: string;
  readonly label: string;
  readonly state: PartOutcome["state"];
  /** Of its end, ISO 8601, and how long it took; of the run that measured it. */
  readonly date?: string;
  readonly seconds?: number;
  readonly result?: JsonValue;
  /** Of a part that failed. */
  readonly message?: string;
};

export type FigureReport = {
  readonly name: string;
  readonly title: string;
  readonly source: string;
  /** Whether a part of it, or the section, threw. */
  readonly failed: boolean;
  readonly section: Section;
  readonly parts: readonly PartReport[];
};

/** What `reproduce` finds; `kvasir-bench reproduce --json` prints it. */
export type ReproduceReport = {
  readonly format: "kvasir-reproduce";
  readonly formatVersion: 1;
  readonly version: string;
  readonly command: string;
  readonly conditions: Conditions;
  readonly device: string;
  /** Of this run; parts of earlier ones have their own. */
  readonly seconds: number;
  readonly shape: ReproduceShape;
  readonly seed: number;
  readonly figures: readonly FigureReport[];
};

/** What was measured, with what each figure says of it. */
export function reproduceReport(
  figures: readonly Figure[],
  settings: ReproduceSettings,
  outcomes: readonly PartOutcome[],
  run: Pick<ReproduceReport, "command" | "conditions" | "seconds">,
): ReproduceReport {
  return {
    format: "kvasir-reproduce",
    formatVersion: 1,
    version: benchVersion(),
    ...run,
    device: settings.device.description,
    shape: settings.shape,
    seed: settings.seed,
    figures: figures.map((figure) =>
      figureReport(
        figure,
        settings,
        outcomes.filter((outcome) => outcome.figure.name === figure.name),
      ),
    ),
  };
}

function figureReport(
  figure: Figure,
  settings: ReproduceSettings,
  outcomes: readonly PartOutcome[],
): FigureReport {
  const { name, title, source } = figure;
  const results = new Map(
    outcomes.flatMap((outcome) =>
      "saved" in outcome ? [[outcome.part.key, outcome.saved.result] as const] : [],
    ),
  );
  const said = sectionOf(figure, results, settings);
  const section = { ...said.section, missing: missingOf(said.section, outcomes) };
  const failed = said.failed || outcomes.some(({ state }) => state === "failed");
  return { name, title, source, failed, section, parts: outcomes.map(partReport) };
}

/** What was measured is worth more than what is said of it: it is reported without a section where that cannot be made. */
function sectionOf(
  figure: Figure,
  results: ReadonlyMap<string, JsonValue>,
  settings: ReproduceSettings,
): Pick<FigureReport, "failed" | "section"> {
  try {
    return { failed: false, section: figure.section(results, settings) };
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    const missing = [`Failed: what is to be said of it: ${message}`];
    return { failed: true, section: { run: "", blocks: [], findings: [], missing } };
  }
}

function partReport(outcome: PartOutcome): PartReport {
  const { part, state } = outcome;
  const { key, label } = part;
  if ("saved" in outcome) {
    const { date, seconds, result } = outcome.saved;
    return { key, label, state, date, seconds, result };
  }
  return { key, label, state, ...("message" in outcome && { message: outcome.message }) };
}

const reasons = {
  "out of time": "did not fit in the time of the run",
  interrupted: "the run was interrupted",
} as const;

/** What the section says, and a sentence for each reason with the parts that no sentence has named yet. */
function missingOf({ missing }: Section, outcomes: readonly PartOutcome[]): readonly string[] {
  const sentences = (["out of time", "interrupted"] as const).flatMap((state) => {
    const labels = outcomes
      .filter((outcome) => outcome.state === state)
      .map(({ part }) => part.label)
      .filter((label) => !missing.some((sentence) => sentence.includes(label)));
    return labels.length > 0 ? [`Not measured, as it ${reasons[state]}: ${labels.join("; ")}.`] : [];
  });
  const failures = outcomes.flatMap((outcome) =>
    outcome.state === "failed" ? [`Failed: ${outcome.part.label}: ${outcome.message}`] : [],
  );
  return [...missing, ...sentences, ...failures];
}
