import type { Figure, ReproduceSettings, Section } from "../figure.ts";
import { heldOutName } from "../held-out-text.ts";
import { latencyBlocks, streamBlocks } from "./streaming-blocks.ts";
import { latencyFindings, modelFindings, streamFindings } from "./streaming-findings.ts";
import { partList, streamingParts, streamingSizes } from "./streaming-parts.ts";
import type { LckvStreamingResult } from "./streaming-result.ts";
import { latencyRows } from "./streaming-rows.ts";

/** Streams without end: sinks and a window, with a standard and with a condensed cache. */
export const lckvStreaming: Figure<LckvStreamingResult> = {
  name: "lckv-streaming",
  title: "LCKV with StreamingLLM: latency, memory and perplexity of streams",
  source: "Wu and Tu 2024 (arXiv 2405.10637), figures 5 to 7; Xiao et al. 2023 (arXiv 2309.17453)",
  parts: (settings) => partList(streamingParts(settings)),
  section(results, settings): Section {
    const { models, latencies } = streamingParts(settings);
    const rows = latencyRows(
      latencies.flatMap(({ key }) => {
        const result = results.get(key);
        return result?.kind === "latency" ? [result] : [];
      }),
    );
    const streams = models.flatMap(({ model, part }) => {
      const result = results.get(part.key);
      return result?.kind === "stream" ? [{ model, result }] : [];
    });
    const [standard, condensed] = streams;
    return {
      run: run(settings),
      blocks: [...latencyBlocks(rows), ...streamBlocks(streams)],
      findings: [
        ...(rows.length > 0 ? latencyFindings(rows, settings.shape.layers) : []),
        ...streams.flatMap(({ model, result }) => streamFindings(model, result)),
        ...(standard && condensed ? modelFindings(standard.result, condensed.result) : []),
      ],
      missing: missing(results, settings),
    };
  },
};

function run(settings: ReproduceSettings): string {
  const { latency, stream } = streamingSizes;
  const { name, layers } = settings.shape;
  return (
    `Latency: models of shape ${name} (${layers} layers, bf16) with random weights, standard and LCKV with w = 2 and 10, one sequence ` +
    `in the middle of a stream under the policy streaming-llm, f16 pages; the median of ${latency.tokens} tokens in each of ${latency.repetitions} turns, ` +
    "eviction included, all models and sizes in turns. Pages hold the keys and values of a short prompt over and over, which does not " +
    `change the time. The window slides by a page of 16 tokens. Perplexity: tiny and tiny-lckv over at most ${stream.tokens} tokens of ` +
    `${heldOutName(settings)}, decoded by force from the first token on, f16 pages. ` +
    "The paper has w = 10 of 22 and 32 layers on a GPU, and PG19."
  );
}

function missing(results: ReadonlyMap<string, LckvStreamingResult>, settings: ReproduceSettings): string[] {
  const left = partList(streamingParts(settings)).filter(({ key }) => !results.has(key));
  const seconds = left.reduce((sum, part) => sum + part.seconds, 0);
  return [
    ...(left.length > 0
      ? [
          `${left.map(({ label }) => label).join("; ")}: not run in the time there was, about ${seconds} s more on two cores.`,
        ]
      : []),
    "The latencies of TinyLlama in figure 5 (21.95 to 22.36 ms, with LCKV 18.93 to 19.39): which size has which is not clear from the drawing.",
    "4 million tokens, as in figure 7: hours on two cores.",
  ];
}
