import type { WorkloadName, WorkloadSettings } from "../load-settings.ts";
import { FileWorkload } from "./file-workload.ts";
import { MixedWorkload } from "./mixed-workload.ts";
import { MultiTurnWorkload } from "./multi-turn-workload.ts";
import type { WordCount } from "./prompt-words.ts";
import { RandomWorkload } from "./random-workload.ts";
import { SharedPrefixWorkload } from "./shared-prefix-workload.ts";
import type { Workload } from "./workload.ts";

/** The workload of these settings. Throws where its file can not be read. */
export async function openWorkload(
  settings: WorkloadSettings,
  words: WordCount,
  seed: number,
): Promise<Workload> {
  const open: Record<WorkloadName, () => Workload | Promise<Workload>> = {
    random: () => new RandomWorkload(settings, words, seed),
    "shared-prefix": () => new SharedPrefixWorkload(settings, words, seed),
    "multi-turn": () => new MultiTurnWorkload(settings, words, seed),
    file: () => FileWorkload.read(settings.file ?? ""),
  };
  const parts = [];
  for (const { name, share } of settings.mix) parts.push({ workload: await open[name](), share });
  return parts.length === 1 ? parts[0]!.workload : new MixedWorkload(parts, seed);
}
