import { withParts } from "./combination.ts";
import type { PolicyDefinition } from "./definition.ts";
import type { PolicyParameter } from "./options.ts";

/**
 * What the text of an option on a command line stands for: numbers, `true` and `false`; a list with a comma between, where
 * a list is wanted also of one number or none; JSON for anything else, and the text itself if it is none. Whether
 * that is what the policy takes is for `createPolicy` to say.
 */
export function readOption(definition: PolicyDefinition, name: string, text: string): unknown {
  const types = withParts(definition).flatMap(({ parameters }) =>
    Object.hasOwn(parameters, name) ? [(parameters[name] as PolicyParameter).type] : [],
  );
  if (name === "prefill" || types.includes("choice")) return text;
  const isList = name === "protectLayers" || types.includes("numbers");
  if (isList && text === "") return [];
  const numbers = text.split(",").map(readNumber);
  if (numbers.every((number) => number !== undefined)) {
    return isList || numbers.length > 1 ? numbers : numbers[0];
  }
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

function readNumber(text: string): number | undefined {
  const number = Number(text);
  return text.trim() === "" || !Number.isFinite(number) ? undefined : number;
}
