import { factList } from "../../html/fact-list.ts";
import { type Child, element, type Markup } from "../../html/markup.ts";
import type { QualityReport } from "../quality-report.ts";

/** Under what conditions the report was made, and how to read it. */
export function reportHead(report: QualityReport): Markup[] {
  const { model, conditions, settings, n, text } = report;
  const { sinks, recent, prompt, tokens, question, keys } = settings;
  const gibibytes = (conditions.memoryBytes / 2 ** 30).toFixed(0);
  const facts: readonly (readonly [string, Child])[] = [
    [
      "Model",
      `${model.model}: ${model.family}, ${model.kvLayers} KV layers of ${model.layers}, ${model.kvHeads} KV heads of ${model.headDim}, ${model.weightDtypes.join(" and ")} weights, ${model.kvDtype} pages of ${model.pageTokens} tokens`,
    ],
    [
      "Machine",
      `${conditions.cpu}, ${conditions.processors} processors, ${gibibytes} GiB, ${conditions.system}; ${model.device}; load before ${conditions.loadBefore.toFixed(1)}`,
    ],
    ["Versions", `@kvasir/bench ${report.version}, Node.js ${conditions.node}`],
    ["Command", element("code", {}, report.command)],
    ["Date", `${conditions.date}, ${report.seconds.toFixed(0)} seconds`],
    ["Text", `${text.source}${text.sha256 ? ` (SHA-256 ${text.sha256.slice(0, 16)}…)` : ""}`],
    [
      "n",
      `${n.windows} windows (${prompt} tokens read at once, then ${tokens} decoded and judged: ${n.tokens} in all), ${n.passkey} passkey prompts, ${n["multi-key"]} multi-key prompts of ${keys} keys`,
    ],
    [
      "Guards",
      `for every policy: the first ${sinks} and the newest ${recent} tokens; seed ${settings.seed}; question ${question} before the first eviction`,
    ],
  ];
  return [factList(facts), ...readings(report).map((reading) => element("p", {}, reading))];
}

/** What to keep in mind, with what this very report gives reason to say. */
function readings({ rows, settings, n }: QualityReport): string[] {
  const full = rows[0]!.needles;
  const percent = (share: number) => `${Math.round(100 * share)} %`;
  const said = [
    "Every policy is compared with random at the same budget and with the same protected layers, on the same windows and prompts: a filled marker is better than random, a hollow one is not. Where random finds as many passkeys as a policy, that policy's result says nothing for it.",
    `Intervals are of 95 %: Wilson's for shares of prompts, Student's t over windows for the rest; differences from random are paired (Student's t, and Newcombe's method 10 for shares). Of all comparisons, about 1 in 20 would differ by chance.`,
  ];
  if (full["multi-key"].low <= 1 / settings.keys) {
    said.push(
      `The full cache itself finds ${percent(full["multi-key"].value)} (${percent(full["multi-key"].low)} to ${percent(full["multi-key"].high)}) of ${n["multi-key"]} keys among several, which does not stand out from guessing among ${settings.keys}: this task may be beyond the model, and its charts then say little of policies.`,
    );
  }
  return said;
}
