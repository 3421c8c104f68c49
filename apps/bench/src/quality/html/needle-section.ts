import { gradientOf, heatColour } from "../../html/colour-scale.ts";
import { heatMaps } from "../../html/heat-maps.ts";
import { element, type Markup } from "../../html/markup.ts";
import { pictureElement } from "../../html/picture.ts";
import { protectionTitle } from "../configuration.ts";
import type { NeedleTask } from "../needle-prompt.ts";
import type { QualityReport } from "../quality-report.ts";
import { needleMaps } from "./needle-maps.ts";
import { rowsProtecting } from "./rows-protecting.ts";

/** Depth against length, a map for each policy and budget. */
export function needleSection(report: QualityReport, task: NeedleTask): Markup {
  const budgets = report.settings.budgets.map((budget) => `budget ${budget}`);
  const fullName = "full (no budget)";
  const policies = [fullName, ...new Set(report.rows.slice(1).map(({ policy }) => policy))];
  const full = report.rows[0]!;
  return element(
    "section",
    { "data-task": task },
    element("h2", {}, `${task === "passkey" ? "Passkey" : "Multi-key needle"}: depth against length`),
    element(
      "p",
      {},
      "Prompts found of those tried. Down: where the key lies in the text, 0 at its beginning; across: tokens of the prompt.",
    ),
    element(
      "div",
      { class: "ramp" },
      "none",
      element("i", { style: `background:${gradientOf(heatColour)}` }, " "),
      "all",
    ),
    element(
      "div",
      { class: "maps" },
      report.settings.protect.map((layers) => {
        const cells = ({ cells }: typeof full) => cells.filter((cell) => cell.task === task);
        const maps = needleMaps({
          title: protectionTitle(layers),
          rows: policies,
          columns: budgets,
          maps: [
            { row: fullName, column: budgets[0]!, cells: cells(full) },
            ...rowsProtecting(report, layers).map((row) => ({
              row: row.policy,
              column: `budget ${row.budget}`,
              cells: cells(row),
            })),
          ],
        });
        return pictureElement(heatMaps(maps));
      }),
    ),
  );
}
