/** A metric's samples by their names with labels, the two that all have left out: `name{reason="stop"}`. */
export function samplesOf(text: string): ReadonlyMap<string, number> {
  const lines = text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  return new Map(lines.map(sample));
}

function sample(line: string): readonly [string, number] {
  const match = /^([A-Za-z_:][\w:]*)(?:\{(.*)\})? (\S+)$/.exec(line);
  if (match === null) throw new Error(`no sample of Prometheus's text format: ${line}`);
  const labels = [...(match[2] ?? "").matchAll(/([A-Za-z_]\w*)="((?:[^"\\]|\\.)*)"/g)]
    .filter(([, name]) => name !== "model_name" && name !== "engine")
    .map(([label]) => label);
  return [labels.length === 0 ? match[1]! : `${match[1]}{${labels.join(",")}}`, Number(match[3])];
}
