import { EngineError } from "@kvasir/core";
import { type Command, InvalidArgumentError } from "commander";

/** The text of `--kv-policies`, as often as it was given. */
export type PolicyModuleFlags = { readonly kvPolicies?: readonly string[] };

/** The flags of commands that run one policy; `readPolicyFlags` loads and checks what they name. */
export type OnePolicyFlags = PolicyModuleFlags & {
  readonly kvPolicy: string;
  readonly kvBudget?: number;
  readonly kvOption?: readonly string[];
};

const collect = (text: string, before: readonly string[] = []): readonly string[] => [...before, text];

function budget(text: string): number {
  const value = Number(text);
  if (value > 0 && Number.isFinite(value)) return value;
  throw new InvalidArgumentError("Expected a share up to 1, or a number of tokens.");
}

/** Adds the flag that makes policies of files and packages known by name. */
export function policyModuleFlags(command: Command): Command {
  return command.option(
    "--kv-policies <module>",
    "a file or package whose policies are known by name; repeatable",
    collect,
  );
}

/** Adds the flags that choose a policy. */
export function onePolicyFlags(command: Command): Command {
  return policyModuleFlags(
    command
      .option(
        "--kv-policy <policy>",
        "eviction policy: a name like snapkv or adaptive+h2o, a file like ./mine.js, or a package",
        "full",
      )
      .option("--kv-budget <budget>", "what a head keeps: a share up to 1, or tokens", budget)
      .option("--kv-option <name=value>", "another option of the policy; repeatable", collect),
  );
}

/** An engine's complaint about its cache, with the names of these flags. */
export function inPolicyFlags(error: unknown): unknown {
  if (!(error instanceof EngineError) || !error.param?.startsWith("kvCache.")) return error;
  const option = error.param.slice("kvCache.".length);
  const own = ["policy", "budget", "memory", "dtype"].includes(option);
  const flag = own ? `--kv-${option}` : `--kv-option ${option}`;
  return new Error(error.message.replaceAll(error.param, flag), { cause: error });
}
