import { type LineStyle, lineStyle } from "../../html/line-style.ts";

/** The baseline is grey and dotted, whatever else is drawn. */
const randomStyle: LineStyle = { colour: "#6b6b6b", dash: "1 4", marker: "circle" };

/** A style for each policy but `full`, in their order, in every chart alike. */
export function policyStyles(policies: readonly string[]): ReadonlyMap<string, LineStyle> {
  const named = [...new Set(policies)].filter((policy) => policy !== "random" && policy !== "full");
  return new Map([["random", randomStyle], ...named.map((policy, i) => [policy, lineStyle(i)] as const)]);
}
