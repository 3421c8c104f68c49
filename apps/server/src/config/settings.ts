import { type Command, InvalidArgumentError, type Option } from "commander";
import { type FileValue, readConfigFile } from "./config-file.ts";
import { SettingError } from "./setting-error.ts";
import { suggestion } from "./suggestion.ts";

/** A flag's value and where it comes from. */
export type Setting = {
  /** The flag without its dashes, which is also the key of a file. */
  readonly name: string;
  /** Undefined: nothing was said, and there is no fixed default. */
  readonly value: unknown;
  /** `--port`, `KVASIR_PORT`, the file's name, or `default`. */
  readonly from: string;
};

export type Settings = {
  readonly list: readonly Setting[];
  /** About variables that look like ours and are none. */
  readonly warnings: readonly string[];
};

type Environment = Readonly<Record<string, string | undefined>>;

/** Flags that say what to do, rather than how. */
const actions = new Set(["version", "help", "config", "print-config", "json"]);
/** Variables of ours that are no flags. */
const otherVariables = new Set(["KVASIR_CONFIG", "KVASIR_CPU", "KVASIR_NATIVE"]);

/**
 * Fills a parsed command's options up: what no flag said from the environment (`KVASIR_PORT` for `--port`), what that
 * did not say from the file of `--config`, and the rest by its default. Throws `SettingError`.
 */
export async function readSettings(
  command: Command,
  environment: Environment,
  repeatable: ReadonlySet<string>,
): Promise<Settings> {
  const options = command.options.filter((option) => !actions.has(nameOf(option)));
  const file = command.opts<{ config?: string }>().config ?? environment.KVASIR_CONFIG;
  const values = file === undefined ? new Map<string, FileValue>() : await readConfigFile(file);
  const names = options.map(nameOf);
  for (const key of values.keys()) {
    if (names.includes(key)) continue;
    throw new SettingError(`${file}: ${key.slice(0, 80)}: unknown key${suggestion(key, names)}`);
  }
  const list = options.map((option) => {
    const name = nameOf(option);
    const from = fill(command, option, {
      environment,
      file,
      value: values.get(name),
      repeats: repeatable.has(name),
    });
    return { name, value: command.getOptionValue(option.attributeName()) as unknown, from };
  });
  return { list, warnings: unknownVariables(environment, names) };
}

type Sources = {
  readonly environment: Environment;
  readonly file: string | undefined;
  readonly value: FileValue | undefined;
  readonly repeats: boolean;
};

/** Returns where the value comes from. */
function fill(command: Command, option: Option, { environment, file, value, repeats }: Sources): string {
  const attribute = option.attributeName();
  if (command.getOptionValueSource(attribute) === "cli") return option.long!;
  const variable = variableOf(nameOf(option));
  const text = environment[variable];
  if (text !== undefined && text !== "") {
    const several = repeats ? text.split(/\s+/).filter((each) => each !== "") : text;
    command.setOptionValueWithSource(attribute, read(option, several, variable), "env");
    return variable;
  }
  if (value !== undefined && file !== undefined) {
    const where = `${file}: ${nameOf(option)}`;
    if (typeof value !== "string" && !repeats) throw new SettingError(`${where}: expected one value`);
    command.setOptionValueWithSource(
      attribute,
      read(option, repeats ? [value].flat() : value, where),
      "config",
    );
    return file;
  }
  return "default";
}

function read(option: Option, value: FileValue, where: string): unknown {
  if (option.isBoolean() && typeof value === "string") return readSwitch(value, where);
  try {
    // Previous values only collect: those of another source are replaced.
    return [value].flat().reduce<unknown>((before, text) => {
      return option.parseArg ? option.parseArg(text, before) : text;
    }, undefined);
  } catch (cause) {
    if (!(cause instanceof InvalidArgumentError)) throw cause;
    throw new SettingError(`${where}: ${cause.message}`, { cause });
  }
}

function readSwitch(text: string, where: string): boolean {
  if (/^(true|1|yes|on)$/i.test(text)) return true;
  if (/^(false|0|no|off)$/i.test(text)) return false;
  throw new SettingError(`${where}: Expected true or false.`);
}

function unknownVariables(environment: Environment, names: readonly string[]): string[] {
  const known = new Set([...otherVariables, ...names.map(variableOf)]);
  return Object.keys(environment)
    .filter((name) => name.startsWith("KVASIR_") && !known.has(name))
    .map(
      (name) => `${name.slice(0, 80)} means nothing${suggestion(name.toLowerCase(), [...known].map(lower))}`,
    );
}

const lower = (name: string): string => name.toLowerCase();

function nameOf(option: Option): string {
  return option.long!.replace(/^--/, "");
}

/** `KVASIR_KV_POLICY` for `kv-policy`. */
export function variableOf(name: string): string {
  return `KVASIR_${name.toUpperCase().replaceAll("-", "_")}`;
}
