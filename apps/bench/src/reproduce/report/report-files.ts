import { mkdir, open, writeFile } from "node:fs/promises";
import path from "node:path";
import { pictureFile } from "../../html/picture.ts";
import { blockChart } from "../html/block-chart.ts";
import { reproduceHtml } from "../html/reproduce-html.ts";
import { markdownMark, reportMarkdown } from "./report-markdown.ts";
import type { ReproduceReport } from "./reproduce-report.ts";

const markdownFile = "README.md";

const chartFile = (figure: string, block: number) => `charts/${figure}-${block + 1}.svg`;

/** Makes a folder for a report. Throws `Error` where it has a README.md that no report was. */
export async function makeReportFolder(folder: string): Promise<void> {
  const file = path.join(folder, markdownFile);
  const found = await firstCharacters(file, markdownMark.length);
  if (found !== undefined && found !== markdownMark) {
    throw new Error(`out: expected a folder for reports alone, received one whose ${file} is something else`);
  }
  await mkdir(path.join(folder, "charts"), { recursive: true });
}

/** Writes `report.html`, `report.json`, `README.md` and the charts that it shows. */
export async function writeReport(folder: string, report: ReproduceReport): Promise<void> {
  const write = (name: string, text: string) => writeFile(path.join(folder, name), text);
  await write("report.html", reproduceHtml(report));
  await write("report.json", `${JSON.stringify(report, undefined, 1)}\n`);
  await write(markdownFile, reportMarkdown(report, chartFile));
  for (const { name, section } of report.figures) {
    for (const [i, block] of section.blocks.entries()) {
      const chart = blockChart(block);
      if (chart) await write(chartFile(name, i), pictureFile(chart));
    }
  }
}

async function firstCharacters(file: string, count: number): Promise<string | undefined> {
  const handle = await open(file, "r").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return undefined;
    throw error;
  });
  if (!handle) return undefined;
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(count), 0, count, 0);
    return buffer.toString("utf8", 0, bytesRead);
  } finally {
    await handle.close();
  }
}
