import { protectionName } from "../configuration.ts";
import type { QualityReport, QualityRow } from "../quality-report.ts";

/** The rows of policies that evict, with these protected layers. */
export function rowsProtecting({ rows }: QualityReport, layers: readonly number[]): readonly QualityRow[] {
  return rows.filter(
    ({ policy, protectLayers }) =>
      policy !== "full" && protectionName(protectLayers) === protectionName(layers),
  );
}
