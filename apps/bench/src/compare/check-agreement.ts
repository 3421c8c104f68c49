import { randomIds } from "../random-ids.ts";
import { type Agreement, agreementOf } from "./divergence.ts";
import { defaultMaxKl, type ModelFacts } from "./model-facts.ts";
import type { Probe, SideOptions } from "./side.ts";
import { sideEntry } from "./side-entry-path.ts";
import { SideProcess } from "./side-process.ts";

/** The two sides do not compute the same, so that their speeds are not to be compared. */
export class DisagreementError extends Error {
  override readonly name = "DisagreementError";
  readonly code = "disagreement";
  readonly agreement: Agreement;

  constructor(agreement: Agreement) {
    const { largestKl, meanKl, maxKl, places } = agreement;
    super(
      `the two sides give different next-token distributions: KL divergence up to ${largestKl.toExponential(2)} nats, ${meanKl.toExponential(2)} on average over ${places} places; at most ${maxKl} is allowed (--max-kl). Nothing is compared.`,
    );
    this.agreement = agreement;
  }
}

/** Short and long prompts, read at once and token by token: every kernel that is measured has its part. */
function probesFor({ vocab, context }: ModelFacts, seed: number): Probe[] {
  const fits = (length: number) => Math.max(1, Math.min(length, context - 8));
  return [1, 40, 600].map(fits).map((length, i) => ({
    prompt: randomIds(length, vocab, seed + 7 * i),
    rows: Int32Array.from(new Set([0, 0.25, 0.5, 0.75, 1].map((part) => Math.floor(part * (length - 1))))),
    after: randomIds(4, vocab, seed + 7 * i + 1),
  }));
}

/** Asks both sides, one after the other, for the same distributions. Throws `DisagreementError`, and `Error` where a side fails. */
export async function checkAgreement(
  ours: SideOptions,
  peer: SideOptions,
  facts: ModelFacts,
  {
    seed,
    maxKl = defaultMaxKl(facts.weights),
  }: { readonly seed: number; readonly maxKl?: number | undefined },
): Promise<Agreement> {
  const probes = probesFor(facts, seed);
  const flat = async (name: string, options: SideOptions) => {
    await using side = new SideProcess(name, sideEntry);
    return (await side.ask("logits", { options, probes })).logits.flat();
  };
  const agreement = agreementOf(await flat(peer.kind, peer), await flat("kvasir", ours), maxKl);
  if (!agreement.passed) throw new DisagreementError(agreement);
  return agreement;
}
