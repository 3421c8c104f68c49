import { setMaxListeners } from "node:events";
import { benchVersion } from "../bench-version.ts";
import type { CommandProgress } from "../command-progress.ts";
import { conditionsNow } from "../conditions.ts";
import { checkLoadSettings } from "./check-load-settings.ts";
import type { LoadSettings } from "./load-settings.ts";
import { LoadTarget } from "./load-target.ts";
import type { LoadReport } from "./report/load-report.ts";

export type MeasureServerOptions = {
  /** Of the API, like `http://127.0.0.1:8080/v1`. */
  readonly url: string;
  readonly apiKey?: string;
  readonly settings: LoadSettings;
  /** The command line, for the report. */
  readonly command?: string;
  readonly onProgress?: (progress: CommandProgress) => void;
  readonly signal?: AbortSignal;
};

/**
 * Puts load on a server with OpenAI's API and measures what its clients see. Throws `RangeError` for settings that
 * do not go together, `CacheClaimError` where the run is not what it was to be called, and `Error` where the server
 * does not answer.
 */
export async function measureServer(options: MeasureServerOptions): Promise<LoadReport> {
  const { url, apiKey, settings, command = "", onProgress = () => {} } = options;
  // Each open request listens to it.
  const signal = AbortSignal.any(options.signal ? [options.signal] : []);
  setMaxListeners(0, signal);
  checkLoadSettings(settings);
  const conditions = conditionsNow();
  await using target = await LoadTarget.open(url, apiKey, settings, signal);
  const measured = await target.measure({ seed: settings.seed }, onProgress, signal);
  return { version: benchVersion(), command, conditions, server: target.server, settings, ...measured };
}
