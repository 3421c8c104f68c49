import { commonBudget, headBudget, leastKept, normaliseShares } from "./budget.ts";
import { builtInPolicies } from "./built-in-policies.ts";
import type { HeadContext, PolicyDefinition } from "./definition.ts";
import { PolicyError, type PolicyErrorCode } from "./errors.ts";
import type { OptionsOf, PolicyOptions, PolicyParameters } from "./options.ts";
import type {
  AllocateQuery,
  HeadState,
  OverBudgetQuery,
  Policy,
  PolicyEnvironment,
  RequestSize,
  ResidentBound,
  SelectQuery,
} from "./policy.ts";
import { resolveOptions } from "./resolve-options.ts";
import { everySlot, selectHighest, selectionFault } from "./selection.ts";
import type { AttentionSpec, Signal, SignalSet } from "./signals.ts";

/**
 * Finds a policy by name among the built-in ones and `others`; a definition is returned as it is.
 * @throws PolicyError `UNKNOWN_POLICY`, with the known names
 */
export function resolvePolicy(
  policy: string | PolicyDefinition,
  others: readonly PolicyDefinition[] = [],
): PolicyDefinition {
  if (typeof policy !== "string") return policy;
  const known = [...builtInPolicies, ...others];
  const found = known.find((definition) => definition.name === policy);
  if (found) return found;
  throw new PolicyError(
    "UNKNOWN_POLICY",
    policy,
    `it is unknown; known are ${known.map(({ name }) => name).join(", ")}.`,
  );
}

/**
 * Checks options and signals and binds a policy to a model.
 * @throws PolicyError `UNKNOWN_POLICY`, `UNKNOWN_OPTION`, `INVALID_OPTION`, or `MISSING_SIGNAL` when the engine cannot
 * supply what the policy reads.
 */
export function createPolicy(
  policy: string | PolicyDefinition,
  options: PolicyOptions,
  environment: PolicyEnvironment,
): Policy {
  const definition = resolvePolicy(policy);
  for (const signal of definition.signals) {
    if (environment.signals.includes(signal)) continue;
    const available = environment.signals.join(", ") || "none";
    throw new PolicyError(
      "MISSING_SIGNAL",
      definition.name,
      `it needs the signal "${signal}"; available here: ${available}.`,
      { field: signal },
    );
  }
  return new BoundPolicy(definition, resolveOptions(definition, options, environment), environment);
}

class BoundPolicy implements Policy {
  readonly name: string;
  readonly key: string;
  readonly options: OptionsOf<PolicyParameters>;
  readonly signals: readonly Signal[];
  readonly attention: AttentionSpec;
  readonly positions: "original" | "cache";
  readonly sinks: number;
  readonly evicts: boolean;
  readonly allocates: boolean;
  readonly #definition: PolicyDefinition;
  readonly #environment: PolicyEnvironment;

  constructor(
    definition: PolicyDefinition,
    options: OptionsOf<PolicyParameters>,
    environment: PolicyEnvironment,
  ) {
    this.#definition = definition;
    this.#environment = environment;
    this.options = Object.freeze(options);
    this.name = definition.name;
    this.key = `${definition.name} ${JSON.stringify(options, Object.keys(options).sort())}`;
    this.signals = definition.signals;
    this.attention = { window: 32, reduce: "mean", over: "group", ...definition.attention?.(options) };
    this.positions = definition.positions;
    this.sinks = options.sinks;
    this.evicts = options.budget !== 1;
    this.allocates = this.evicts && definition.allocate !== undefined;
  }

  budget({ layer, seen, share = 1 }: HeadState): number {
    this.#checkLayer(layer);
    this.#checkCount("seen", seen, 0);
    if (!(share >= 0 && share < Number.POSITIVE_INFINITY))
      this.#refuseCall("share", "a number of at least 0", share);
    if (this.#keepsAll(layer)) return seen;
    return headBudget(this.options, this.#environment.pageTokens, seen, share);
  }

  overBudget(query: OverBudgetQuery): boolean {
    const budget = this.budget(query);
    if (query.phase === "prefill") return query.resident > budget;
    return this.options.decode && query.resident >= budget + this.#environment.pageTokens;
  }

  allocate({ seen, signals }: AllocateQuery): Float32Array {
    this.#checkCount("seen", seen, 0);
    const { layers, heads, pageTokens } = this.#environment;
    const definition = this.#definition;
    if (!this.allocates) return new Float32Array(layers * heads).fill(1);
    const { options } = this;
    const shares = this.#run("allocate", () =>
      definition.allocate!({
        layers,
        heads,
        seen,
        pageTokens,
        options,
        budget: commonBudget(options, seen),
        signals: (layer, head) => this.#declared(signals(layer, head)),
      }),
    );
    if (!(shares instanceof Float32Array) || shares.length !== layers * heads) {
      this.#fail(
        "INVALID_ALLOCATION",
        `allocate must return a Float32Array of ${layers * heads} shares, received ${describe(shares)}.`,
      );
    }
    const normalised = normaliseShares(shares, heads, options.protectLayers);
    return (
      normalised ??
      this.#fail("INVALID_ALLOCATION", "shares must be finite and at least 0, and one of them positive.")
    );
  }

  select(query: SelectQuery): Int32Array {
    const { layer, head, resident, seen } = query;
    const budget = this.budget(query);
    const { layers, heads, pageTokens } = this.#environment;
    this.#checkCount("head", head, 0, heads - 1);
    this.#checkCount("resident", resident, 0, seen);
    if (resident <= budget) return everySlot(resident);

    const signals = this.#declared(query.signals, resident);
    const { options } = this;
    const facts: HeadContext = { layer, head, layers, heads, resident, seen, budget, pageTokens };
    const context = { ...signals, ...facts, options };
    const recent = Math.max(options.recent, 1);
    const definition = this.#definition;
    if (definition.select) {
      const kept = this.#run("select", () => definition.select!(context));
      const fault = selectionFault(
        kept,
        resident,
        leastKept(options, pageTokens),
        budget,
        options.sinks,
        recent,
      );
      return fault === undefined ? kept : this.#fail("INVALID_SELECTION", `select: ${fault}.`);
    }
    const scores = this.#run("score", () => definition.score!(context));
    if (!(scores instanceof Float32Array) || scores.length !== resident) {
      this.#fail(
        "INVALID_SCORES",
        `score must return a Float32Array of ${resident} numbers, received ${describe(scores)}.`,
      );
    }
    const notANumber = scores.findIndex(Number.isNaN);
    if (notANumber >= 0)
      this.#fail("INVALID_SCORES", `the score of slot ${notANumber} of ${resident} is NaN.`);
    return selectHighest(scores, budget, options.sinks, recent);
  }

  maximumResident({ layer, prompt, maxNew, chunk = prompt, share }: RequestSize): ResidentBound {
    this.#checkLayer(layer);
    this.#checkCount("prompt", prompt, 0);
    this.#checkCount("maxNew", maxNew, 0);
    this.#checkCount("chunk", chunk, 0);
    if (this.#keepsAll(layer) || (this.allocates && share === undefined))
      return { prefill: prompt, decode: prompt + maxNew };
    const { prefill, decode } = this.options;
    const atPrompt = this.budget({ layer, seen: prompt, share: share ?? 1 });
    const atEnd = this.budget({ layer, seen: prompt + maxNew, share: share ?? 1 });
    return {
      prefill: prefill === "chunk" ? Math.min(prompt, atPrompt + chunk) : prompt,
      decode: Math.min(
        atPrompt + maxNew,
        decode ? atEnd + this.#environment.pageTokens : Number.POSITIVE_INFINITY,
      ),
    };
  }

  #keepsAll(layer: number): boolean {
    return !this.evicts || this.options.protectLayers.includes(layer);
  }

  /** The policy's signals out of what the engine passed; with `resident`, their lengths are checked. */
  #declared(given: Partial<SignalSet>, resident?: number): SignalSet {
    const declared: Partial<Record<Signal, Float32Array>> = {};
    for (const signal of this.signals) {
      const values = given[signal];
      if (!(values instanceof Float32Array)) this.#refuseCall(signal, "a Float32Array", describe(values));
      const perSlot =
        signal === "keys" || signal === "values" ? values.length / (resident ?? values.length) : 1;
      if (resident !== undefined && (values.length !== resident * perSlot || !Number.isInteger(perSlot))) {
        this.#refuseCall(signal, `values for ${resident} slots`, describe(values));
      }
      declared[signal] = values;
    }
    return declared as SignalSet;
  }

  /** Runs the policy's own code: whatever it throws becomes an error of this request. */
  #run<Result>(what: string, body: () => Result): Result {
    try {
      return body();
    } catch (cause) {
      if (cause instanceof PolicyError) throw cause;
      throw new PolicyError("POLICY_FAILED", this.name, `${what} threw ${String(cause)}.`, { cause });
    }
  }

  #fail(code: PolicyErrorCode, message: string): never {
    throw new PolicyError(code, this.name, message);
  }

  #refuseCall(field: string, expected: string, received: unknown): never {
    throw new PolicyError(
      "INVALID_CALL",
      this.name,
      `${field}: expected ${expected}, received ${String(received)}.`,
      { field },
    );
  }

  #checkLayer(layer: number): void {
    this.#checkCount("layer", layer, 0, this.#environment.layers - 1);
  }

  #checkCount(field: string, value: number, minimum: number, maximum = Number.MAX_SAFE_INTEGER): void {
    if (Number.isInteger(value) && value >= minimum && value <= maximum) return;
    this.#refuseCall(field, `a whole number in ${minimum}..${maximum}`, value);
  }
}

function describe(value: unknown): string {
  if (ArrayBuffer.isView(value) && "length" in value)
    return `${value.constructor.name}(${String(value.length)})`;
  return value === null ? "null" : typeof value;
}
