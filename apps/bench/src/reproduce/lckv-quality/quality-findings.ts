import { estimateText, shareText } from "../l2-norm/show-estimate.ts";
import { publishedPasses, publishedPerplexity } from "./quality-result.ts";
import {
  differencesAround,
  type PassesRow,
  type PasskeyRow,
  type PerplexityRatio,
  type PositionRow,
} from "./quality-rows.ts";
import { encodingName } from "./quality-sizes.ts";

/** Tokens that tiny-lckv was trained on at most. */
const trainedLength = 512;

export function perplexityFinding({ ratio, comparison }: PerplexityRatio): string {
  const published = publishedPerplexity.w2 / publishedPerplexity.standard;
  const ours = `tiny-lckv's perplexity is ${estimateText(ratio, 3)} times tiny's`;
  const theirs = `the paper's model with w = 2 has ${published.toFixed(3)} times its baseline's`;
  const training =
    "The paper trains both from scratch on the same text; tiny-lckv began with tiny's weights and was trained on 4.5 million more tokens, so its ratio is flattered by that";
  if (comparison.verdict === "worse") {
    const size =
      ratio.low > published ? "more" : ratio.high < published ? "less" : "about as much as the paper's";
    return `${ours}: worse, as in the paper, where ${theirs.replace("the paper's", "the")}; what it loses is ${size}${size.startsWith("about") ? "" : " than there"}. ${training}.`;
  }
  return `${ours}, ${comparison.verdict === "better" ? "better" : "no different as far as these windows tell"}; ${theirs}. ${training}.`;
}

/** Whether what the condensed model loses grows with the position. */
export function positionFinding(rows: readonly PositionRow[]): string[] {
  const around = differencesAround(rows, trainedLength);
  if (!around) return [];
  const { below, above } = around;
  const numbers = `tiny-lckv minus tiny is ${estimateText(below, 3)} nats a token up to position ${trainedLength}, as long as it was trained on, and ${estimateText(above, 3)} from there on`;
  const claim =
    "the paper's figure 13 shows no degradation by position up to 2,048, the length of its training";
  if (below.high < above.low) {
    return [
      `The difference grows with the position: ${numbers}. Behind the trained length that is no contradiction; ${claim}.`,
    ];
  }
  return [
    `The difference does not grow with the position, as far as the intervals tell: ${numbers}; ${claim}.`,
  ];
}

/** How few passes over a prompt do as well as sequential encoding. */
export function passesFindings(rows: readonly PassesRow[]): string[] {
  const parallel = rows.filter(({ encoding }) => encoding !== "sequential");
  const fewest = parallel.find((_, i) =>
    parallel.slice(i).every(({ comparison }) => comparison.verdict !== "worse"),
  );
  const named = ({ encoding, ratio }: PassesRow) => `${encodingName(encoding)} ${estimateText(ratio, 4)}`;
  const around = parallel.filter(({ encoding }) =>
    [publishedPasses - 2, publishedPasses - 1, publishedPasses].includes(Number(encoding)),
  );
  const first = parallel[0];
  const findings = [
    fewest
      ? `From ${encodingName(fewest.encoding)} on, text behind a prompt is predicted no worse than behind one that was encoded token by token${first && first !== fewest ? `; ${named(first)} times its perplexity` : ""}.`
      : `No number of passes here does as well as encoding token by token; the most, ${named(parallel.at(-1)!)} times its perplexity.`,
  ];
  if (around.length > 0) {
    const more = parallel.filter(({ encoding }) => Number(encoding) > publishedPasses);
    const isFine =
      around.every(({ comparison }) => comparison.verdict !== "worse") &&
      more.every(({ comparison }) => comparison.verdict !== "better");
    findings.push(
      `Perplexity against sequential encoding: ${around.map(named).join(", ")}. The paper's figure 12 has one or two passes fewer than ${publishedPasses} as acceptable and more as no help; ` +
        (isFine ? "here the same." : "here it is not so for at least one of them."),
    );
  }
  return findings;
}

export function passkeyFindings(length: number, rows: readonly PasskeyRow[]): string[] {
  const find = (encoding: PasskeyRow["encoding"]) => rows.find((row) => row.encoding === encoding);
  const [standard, sequential, published] = [find("standard"), find("sequential"), find(publishedPasses)];
  if (!standard || !sequential) return [];
  const passes = rows.filter(({ encoding }) => typeof encoding === "number");
  const worse = passes.filter(({ comparison }) => comparison.verdict === "worse");
  const worseText =
    worse.length === 0
      ? "no number of passes finds measurably fewer than sequential encoding"
      : `measurably fewer than sequential encoding with ${worse.map(({ encoding }) => encodingName(encoding as number)).join(", ")}`;
  const verdict = {
    better: "more",
    worse: "fewer",
    "no different": "as many, as far as so few prompts tell",
  }[standard.comparison.verdict];
  return [
    `Passkeys in ${length} tokens: tiny finds ${shareText(standard.share)}, tiny-lckv ${shareText(sequential.share)} encoded token by token` +
      `${published ? ` and ${shareText(published.share)} with ${publishedPasses} passes` : ""}: tiny finds ${verdict}; ${worseText}.`,
  ];
}
