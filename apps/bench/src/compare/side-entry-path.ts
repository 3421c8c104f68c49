import { fileURLToPath } from "node:url";

/** The built process of a side: a bundle that stands in `dist`, whichever of source and bundle runs this. */
export const sideEntry = fileURLToPath(new URL("../dist/side-entry.js", builtBeside(import.meta.url)));

/** Source files lie one folder deeper than bundles. */
function builtBeside(url: string): string {
  return url.endsWith(".ts") ? new URL("..", url).href : url;
}
