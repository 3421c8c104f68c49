import type { Block, TableBlock } from "../figure.ts";
import { estimateText, shareText } from "../l2-norm/show-estimate.ts";
import { publishedPerplexity } from "./quality-result.ts";
import type { PassesRow, PasskeyRow, PerplexityRatio, PositionRow } from "./quality-rows.ts";
import { bucket } from "./quality-rows.ts";
import { encodingName } from "./quality-sizes.ts";

export function perplexityTable({ standard, condensed, ratio }: PerplexityRatio): TableBlock {
  const { standard: theirs, w2, w10 } = publishedPerplexity;
  return {
    kind: "table",
    caption: "Perplexity, token by token; the paper's on SlimPajama's development set (table 3)",
    columns: ["model", "KV layers", "perplexity", "x standard"],
    rows: [
      ["tiny", "8 of 8", standard.toFixed(2), "1"],
      ["tiny-lckv, w = 2", "3 of 8", condensed.toFixed(2), estimateText(ratio, 3)],
      ["paper: TinyLlama 1.1B", "22 of 22", theirs.toFixed(3), "1"],
      ["paper: w = 2", "3 of 22", w2.toFixed(3), (w2 / theirs).toFixed(3)],
      ["paper: w = 10", "11 of 22", w10.toFixed(3), (w10 / theirs).toFixed(3)],
    ],
  };
}

export function positionChart(rows: readonly PositionRow[]): Block {
  const points = (of: (row: PositionRow) => number) =>
    rows.map((row) => ({ x: row.from + bucket / 2, y: of(row) }));
  return {
    kind: "lines",
    caption: `Perplexity by position, over ${bucket} positions each (as figure 13)`,
    x: { label: "position", scale: "linear" },
    y: { label: "perplexity", scale: "linear" },
    series: [
      { name: "tiny", kind: "measured", points: points(({ standard }) => standard) },
      { name: "tiny-lckv", kind: "measured", points: points(({ condensed }) => condensed) },
    ],
  };
}

export function passesBlocks(rows: readonly PassesRow[]): Block[] {
  const points = rows.flatMap(({ encoding, ratio }) =>
    typeof encoding === "number" ? [{ x: encoding, y: ratio.value }] : [],
  );
  return [
    {
      kind: "lines",
      caption: "Perplexity of the text behind a prompt by passes over the prompt (as figure 12)",
      x: { label: "passes", scale: "linear" },
      y: { label: "perplexity / that after sequential encoding", scale: "linear" },
      series: [
        { name: "tiny-lckv", kind: "measured", points },
        { name: "token by token", kind: "computed", points: points.map(({ x }) => ({ x, y: 1 })) },
      ],
    },
    {
      kind: "table",
      caption: "The same in numbers, paired over windows",
      columns: ["prompt encoded", "perplexity", "x token by token", "against it"],
      rows: rows.map(({ encoding, perplexity, ratio, comparison }) =>
        encoding === "sequential"
          ? [encodingName(encoding), perplexity.toFixed(2), "1", undefined]
          : [encodingName(encoding), perplexity.toFixed(2), estimateText(ratio, 4), comparison.verdict],
      ),
    },
  ];
}

type PasskeyLength = { readonly length: number; readonly rows: readonly PasskeyRow[] };

export function passkeyTable(lengths: readonly PasskeyLength[]): TableBlock {
  const encodings = lengths[0]!.rows.map(({ encoding }) => encoding);
  return {
    kind: "table",
    caption: "Passkeys found by greedy decoding, all five digits",
    columns: ["model", "prompt encoded", ...lengths.map(({ length }) => `in ${length} tokens`)],
    rows: encodings.map((encoding) => [
      encoding === "standard" ? "tiny" : "tiny-lckv",
      encoding === "standard" ? "at once" : encodingName(encoding),
      ...lengths.map(({ rows }) => {
        const row = rows.find((one) => one.encoding === encoding);
        return row && shareText(row.share);
      }),
    ]),
  };
}
