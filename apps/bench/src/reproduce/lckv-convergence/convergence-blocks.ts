import type { Block, Cell } from "../figure.ts";
import type { Measured } from "./convergence-findings.ts";
import { type CurveResult, type EqualityResult, passBelow } from "./convergence-result.ts";

const shares = [1e-2, 1e-3, 1e-4, 1e-5, 1e-6];

const passText = (pass: number | undefined, passes: number): string =>
  pass === undefined ? `not in ${passes}` : `${pass}`;

export function curveBlocks(curves: readonly Measured<CurveResult>[]): Block[] {
  if (curves.length === 0) return [];
  return [
    {
      kind: "lines",
      caption: "Mean squared change of the new keys and values, as a share of the first pass's (from zeros)",
      x: { label: "pass", scale: "linear" },
      y: { label: "change / first change", scale: "log" },
      series: curves.map(({ model, result: { changes } }) => ({
        name: model.name,
        kind: "measured",
        // A logarithmic axis has no place for a pass that changed nothing.
        points: changes.flatMap((change, i) => (change > 0 ? [{ x: i + 1, y: change / changes[0]! }] : [])),
      })),
    },
    {
      kind: "table",
      caption: "The pass whose change falls below a share of the first",
      columns: ["model", "tokens", "first change", ...shares.map((share) => `< ${share.toExponential(0)}`)],
      rows: curves.map(({ model, result }) => [
        model.name,
        `${result.tokens}`,
        result.changes[0]!.toPrecision(3),
        ...shares.map((share) => passText(passBelow(result, share), result.changes.length)),
      ]),
    },
  ];
}

export function equalityBlocks(equalities: readonly Measured<EqualityResult>[]): Block[] {
  if (equalities.length === 0) return [];
  const named = (name: string, what: string) => `${name}: ${what}`;
  const passes = [...new Set(equalities.flatMap(({ result }) => result.logits.map((one) => one.passes)))];
  return [
    {
      kind: "lines",
      caption:
        "Largest difference of an element from sequential encoding, divided by the root mean square of all elements",
      x: { label: "passes", scale: "linear" },
      y: { label: "relative difference", scale: "log" },
      series: equalities.flatMap(({ model, result }) => [
        {
          name: named(model.name, "keys and values"),
          kind: "measured" as const,
          points: result.kv.flatMap((y, i) => (y > 0 ? [{ x: i + 1, y }] : [])),
        },
        {
          name: named(model.name, "logits"),
          kind: "measured" as const,
          points: result.logits.flatMap(({ passes: x, difference: y }) => (y > 0 ? [{ x, y }] : [])),
        },
      ]),
    },
    {
      kind: "table",
      caption: "The same in numbers",
      columns: [
        "passes",
        ...equalities.flatMap(({ model }) => [named(model.name, "KV"), named(model.name, "logits")]),
      ],
      rows: passes
        .sort((a, b) => a - b)
        .map((pass) => [
          `${pass}`,
          ...equalities.flatMap(({ result }): Cell[] => [
            result.kv[pass - 1]?.toExponential(1),
            result.logits.find((one) => one.passes === pass)?.difference.toExponential(1),
          ]),
        ]),
    },
  ];
}
