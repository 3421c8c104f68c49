import type { PolicyDefinition } from "./definition.ts";
import { PolicyError } from "./errors.ts";
import { importPolicies } from "./import-policies.ts";
import { joinPolicies } from "./known-policies.ts";
import { ENGINE_OPTIONS, type PolicyOptions } from "./options.ts";
import { isPath } from "./policy-module.ts";
import { readOption } from "./read-option.ts";
import { resolvePolicy } from "./resolve-policy.ts";

/** What commands take of policies, as it was typed. */
export interface PolicyFlags {
  /** `--kv-policy`: a name or a combination of names, the path of a file, or a package. */
  readonly kvPolicy?: string;
  /** `--kv-policies`: files and packages whose policies are known by name. */
  readonly kvPolicies?: readonly string[];
  /** `--kv-budget`. */
  readonly kvBudget?: number;
  /** `--kv-option`: `name=value`. */
  readonly kvOption?: readonly string[];
}

/** The policies that flags name, loaded and checked. */
export interface FlaggedPolicies {
  /** Everything that was loaded, for an engine's `policies`. */
  readonly policies: readonly PolicyDefinition[];
  /** Where each of them is from, by its name. */
  readonly sources: ReadonlyMap<string, string>;
  /**
   * What `kvPolicy`, `kvBudget` and `kvOption` choose, for an engine's `kvCache`. The engine checks values, which takes
   * a model.
   */
  readonly choice: PolicyOptions & { readonly policy?: string };
}

/** What is wrong with a flag; the message begins with its name. */
export class PolicyFlagError extends Error {
  readonly flag: string;
  constructor(flag: string, message: string, cause?: unknown) {
    super(`${flag}: ${message}`, { cause });
    this.name = "PolicyFlagError";
    this.flag = flag;
  }
}

/**
 * Loads what a command's flags say of policies.
 *
 * @param from the folder that paths and packages are looked for from; the current one unless told
 * @throws PolicyFlagError whose cause is a PolicyError where one is to blame
 */
export async function readPolicyFlags(
  { kvPolicy, kvPolicies = [], kvBudget, kvOption = [] }: PolicyFlags,
  from: string = process.cwd(),
): Promise<FlaggedPolicies> {
  const sources = new Map<string, string>();
  let policies: readonly PolicyDefinition[] = [];
  const load = async (specifier: string): Promise<readonly PolicyDefinition[]> => {
    const found = await importPolicies(specifier, { from, others: policies });
    policies = joinPolicies(policies, found);
    for (const { name } of found) if (!sources.has(name)) sources.set(name, specifier);
    return found;
  };
  for (const specifier of kvPolicies) await naming("--kv-policies", () => load(specifier));
  const policy =
    kvPolicy === undefined
      ? undefined
      : await naming("--kv-policy", async () => {
          if (isPath(kvPolicy)) return (await load(kvPolicy))[0];
          return named(kvPolicy, policies) ?? (await fromPackage(kvPolicy, policies, load));
        });
  const budget = kvBudget === undefined ? {} : { budget: kvBudget };
  const options = readOptions(kvOption, policy ?? resolvePolicy("full"), Object.keys(budget));
  return { policies, sources, choice: { ...(policy && { policy: policy.name }), ...budget, ...options } };
}

async function naming<T>(flag: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof PolicyError)) throw error;
    throw new PolicyFlagError(flag, error.message, error);
  }
}

/** Undefined where it is no name, so that it may be that of a package. */
function named(policy: string, others: readonly PolicyDefinition[]): PolicyDefinition | undefined {
  try {
    return resolvePolicy(policy, others);
  } catch (error) {
    if (error instanceof PolicyError && error.code === "UNKNOWN_POLICY") return undefined;
    throw error;
  }
}

async function fromPackage(
  specifier: string,
  others: readonly PolicyDefinition[],
  load: (specifier: string) => Promise<readonly PolicyDefinition[]>,
): Promise<PolicyDefinition | undefined> {
  try {
    return (await load(specifier))[0];
  } catch (error) {
    // Where there is no such package either, a name was meant, and those that are known help more.
    if (error instanceof PolicyError && error.code === "NOT_FOUND") return resolvePolicy(specifier, others);
    throw error;
  }
}

function readOptions(
  assignments: readonly string[],
  definition: PolicyDefinition,
  given: readonly string[],
): PolicyOptions {
  const options = new Map<string, unknown>();
  for (const assignment of assignments) {
    const [name, text] = splitOnce(assignment);
    if (text === undefined || !/^[a-z][a-zA-Z0-9]*$/.test(name))
      throw new PolicyFlagError("--kv-option", `expected name=value, received ${JSON.stringify(assignment)}`);
    if (options.has(name) || given.includes(name))
      throw new PolicyFlagError("--kv-option", `${name} was given twice`);
    if (ENGINE_OPTIONS.includes(name))
      throw new PolicyFlagError("--kv-option", `${name} is no option of a policy`);
    options.set(name, readOption(definition, name, text));
  }
  return Object.fromEntries(options);
}

function splitOnce(assignment: string): readonly [string, string | undefined] {
  const at = assignment.indexOf("=");
  return at < 0 ? [assignment, undefined] : [assignment.slice(0, at), assignment.slice(at + 1)];
}
