import { machineLine } from "../../machine-line.ts";
import type { ReproduceReport } from "./reproduce-report.ts";

/** Under what conditions a report was made, as names and what is to be said under them. */
export function reproduceFacts(report: ReproduceReport): readonly (readonly [name: string, value: string])[] {
  const { shape, seed, device, seconds, command } = report;
  const parts = report.figures.flatMap((figure) => figure.parts);
  const inState = (state: string) => parts.filter((part) => part.state === state).length;
  const others = [
    [inState("saved"), "kept from earlier runs"],
    [inState("out of time"), "out of time"],
    [inState("interrupted"), "interrupted"],
    [inState("failed"), "failed"],
  ] as const;
  const { layers, hidden, heads, kvHeads, headDim } = shape;
  return [
    ["machine", machineLine(report)],
    ["device", device],
    [
      "random weights",
      `Llama of the shape ${shape.name}: ${layers} layers of ${hidden}, ${heads} heads of ${headDim}, ${kvHeads} KV heads; seed ${seed}`,
    ],
    [
      "parts",
      [
        `${inState("measured")} of ${parts.length} measured in ${duration(seconds)}`,
        ...others.flatMap(([count, text]) => (count > 0 ? [`${count} ${text}`] : [])),
      ].join(", "),
    ],
    ["command", command],
  ];
}

/** For people. */
export function duration(seconds: number): string {
  return seconds < 90 ? `${seconds.toFixed(0)} s` : `${(seconds / 60).toFixed(1)} min`;
}
