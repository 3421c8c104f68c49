import {
  type ActingPart,
  type ActingParts,
  allocates,
  collectsOfNeeds,
  windowOfNeeds,
} from "./acting-parts.ts";
import { runAllocation } from "./allocation.ts";
import { headBudget, leastKept } from "./budget.ts";
import { checkCount, policyFailed, refuseCall } from "./call-checks.ts";
import { checkScores } from "./check-scores.ts";
import { signalsOf } from "./combination.ts";
import { declaredSignals } from "./declared-signals.ts";
import type { HeadContext, Phase, PolicyDefinition } from "./definition.ts";
import { PolicyError, type PolicyErrorCode } from "./errors.ts";
import type { OptionsOf, PolicyParameters } from "./options.ts";
import { goesByLayer } from "./parts-fault.ts";
import type {
  AllocateQuery,
  Allocation,
  HeadState,
  Needs,
  OverBudgetQuery,
  Place,
  Policy,
  PolicyEnvironment,
  RequestSize,
  ResidentBound,
  SelectQuery,
} from "./policy.ts";
import { everySlot, selectHighest, selectionFault } from "./selection.ts";
import type { AttentionCollects, Signal } from "./signals.ts";

export class BoundPolicy implements Policy {
  readonly name: string;
  readonly key: string;
  readonly options: OptionsOf<PolicyParameters>;
  readonly signals: readonly Signal[];
  readonly window: number;
  readonly collects: AttentionCollects | undefined;
  readonly positions: "original" | "cache";
  readonly sinks: number;
  readonly evicts: boolean;
  readonly allocates: boolean;
  readonly #definition: PolicyDefinition;
  readonly #environment: PolicyEnvironment;
  readonly #acting: ActingParts;
  readonly #signals: { readonly [P in Phase]: readonly Signal[] };

  /** `options` and `acting` were checked: `createPolicy` does so. */
  constructor({
    definition,
    options,
    environment,
    acting,
    positions,
  }: {
    definition: PolicyDefinition;
    options: OptionsOf<PolicyParameters>;
    environment: PolicyEnvironment;
    acting: ActingParts;
    positions: "original" | "cache";
  }) {
    this.#definition = definition;
    this.#environment = environment;
    this.#acting = acting;
    this.options = Object.freeze(options);
    this.name = definition.name;
    this.key = `${definition.name} ${JSON.stringify(options, Object.keys(options).sort())}`;
    const parts = [...acting.prefill, ...acting.decode];
    this.evicts = parts.some(({ evicts }) => evicts);
    this.allocates = this.evicts && allocates(definition);
    const needs = this.evicts ? parts.map((part) => part.needs) : [];
    this.signals = signalsOf(needs);
    const signalsOfPhase = (phase: Phase) => signalsOf(acting[phase].map((part) => part.needs));
    this.#signals = { prefill: signalsOfPhase("prefill"), decode: signalsOfPhase("decode") };
    this.window = windowOfNeeds(needs);
    this.collects = collectsOfNeeds(definition.name, needs);
    this.positions = positions;
    this.sinks = options.sinks;
  }

  needs(place: Place): Needs {
    return this.#at(place).needs;
  }

  signalsIn(phase: Phase): readonly Signal[] {
    return this.evicts ? this.#signals[phase] : [];
  }

  mergeAt(place: Place): { readonly threshold: number } | undefined {
    return this.#at(place).merge;
  }

  budget({ layer, seen, share = 1, profile = 0 }: HeadState): number {
    this.#checkCount("layer", layer, 0, this.#environment.layers - 1);
    this.#checkCount("seen", seen, 0);
    if (!(share >= 0 && share < Number.POSITIVE_INFINITY))
      refuseCall(this.name, "share", "a number of at least 0", share);
    if (!Number.isFinite(profile)) refuseCall(this.name, "profile", "a finite number", profile);
    if (this.#keepsAll(layer)) return seen;
    return headBudget(this.options, this.#environment.pageTokens, seen, share);
  }

  overBudget(query: OverBudgetQuery): boolean {
    const { layer, head, seen, resident, kept, phase } = query;
    const { heads, pageTokens } = this.#environment;
    const budget = this.budget(query);
    this.#checkCount("head", head, 0, heads - 1);
    const acting = this.#at(query);
    if (!acting.evicts || resident <= leastKept(this.options, pageTokens)) return false;
    const sizesItself = acting.definition.sizesItself;
    if (phase === "prefill") return sizesItself || resident > budget;
    const turn = goesByLayer(acting.own) ? layer : layer * heads + head;
    if ((seen + turn) % pageTokens !== 0) return false;
    return resident > budget || (sizesItself && (kept === undefined || resident >= kept + pageTokens));
  }

  async allocate(query: AllocateQuery): Promise<Allocation> {
    const { layers, heads } = this.#environment;
    const size = layers * heads;
    if (!this.allocates) return { shares: new Float32Array(size).fill(1), profile: new Float32Array(size) };
    return runAllocation(this.#definition, this.options, this.#environment, this.#acting, query);
  }

  select(query: SelectQuery): Int32Array {
    const { layer, head, resident, seen, phase, profile = 0 } = query;
    const budget = this.budget(query);
    const { layers, heads, pageTokens } = this.#environment;
    this.#checkCount("head", head, 0, heads - 1);
    this.#checkCount("resident", resident, 0, seen);
    const { definition, options, own, evicts } = this.#at(query);
    const least = leastKept(options, pageTokens);
    if (!evicts || resident <= least || (resident <= budget && !definition.sizesItself))
      return everySlot(resident);

    const signals = declaredSignals(this.name, own.signals, query.signals, resident);
    const facts: HeadContext = {
      layer,
      head,
      layers,
      heads,
      resident,
      seen,
      budget: Math.min(budget, resident),
      pageTokens,
      phase,
      profile,
    };
    const context = { ...signals, ...facts, options };
    const recent = Math.max(options.recent, 1);
    if (definition.select) {
      const kept = this.#run("select", () => definition.select!(context));
      const fault = selectionFault(kept, resident, least, facts.budget, options.sinks, recent);
      // A copy: a policy may use the same array for the next head, before this one is cut.
      return fault === undefined ? kept.slice() : this.#fail("INVALID_SELECTION", `select: ${fault}.`);
    }
    const scores = this.#run("score", () => definition.score!(context));
    checkScores(this.name, scores, resident);
    return selectHighest(scores, budget, options.sinks, recent);
  }

  maximumResident({ layer, prompt, maxNew, chunk = prompt, share }: RequestSize): ResidentBound {
    this.#checkCount("layer", layer, 0, this.#environment.layers - 1);
    this.#checkCount("prompt", prompt, 0);
    this.#checkCount("maxNew", maxNew, 0);
    this.#checkCount("chunk", chunk, 0);
    if (this.#keepsAll(layer) || (this.allocates && share === undefined))
      return { prefill: prompt, decode: prompt + maxNew };
    const atPrompt = this.budget({ layer, seen: prompt, share: share ?? 1 });
    const atEnd = this.budget({ layer, seen: prompt + maxNew, share: share ?? 1 });
    const { pageTokens } = this.#environment;
    const inPrompt = this.#acting.prefill[layer]!.evicts;
    const whileDecoding = this.#acting.decode[layer]!.evicts;
    const start = inPrompt ? atPrompt : prompt;
    const most = whileDecoding ? Math.max(atEnd, inPrompt ? 0 : prompt) + pageTokens : Infinity;
    return {
      prefill: inPrompt && this.options.prefill === "chunk" ? Math.min(prompt, atPrompt + chunk) : prompt,
      decode: Math.min(start + maxNew, most),
    };
  }

  #at({ layer, phase }: Place): ActingPart {
    this.#checkCount("layer", layer, 0, this.#environment.layers - 1);
    if (phase !== "prefill" && phase !== "decode")
      refuseCall(this.name, "phase", '"prefill" or "decode"', phase);
    return this.#acting[phase][layer]!;
  }

  #keepsAll(layer: number): boolean {
    return !this.#acting.prefill[layer]!.evicts && !this.#acting.decode[layer]!.evicts;
  }

  /** Runs the policy's own code: whatever it throws becomes an error of this request. */
  #run<Result>(what: string, body: () => Result): Result {
    try {
      const result: unknown = body();
      if (result instanceof Promise) result.catch(() => {}); // it is refused, and must not fail beside that
      return result as Result;
    } catch (cause) {
      throw policyFailed(this.name, what, cause);
    }
  }

  #fail(code: PolicyErrorCode, message: string): never {
    throw new PolicyError(code, this.name, message);
  }

  #checkCount(field: string, value: number, minimum: number, maximum?: number): void {
    checkCount(this.name, field, value, minimum, maximum);
  }
}
