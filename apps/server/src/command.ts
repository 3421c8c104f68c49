import { once } from "node:events";
import { Engine, type EngineOptions } from "@kvasir/core";
import { readPolicyFlags } from "@kvasir/kv-policies";
import { CommanderError } from "commander";
import { type Logger, pino } from "pino";
import { prettyFactory } from "pino-pretty";
import packageJson from "../package.json" with { type: "json" };
import { loadCacheFile, saveCacheFile } from "./cache-file.ts";
import { commandLine, repeatable } from "./command-line.ts";
import { SettingError } from "./config/setting-error.ts";
import { readSettings, type Settings } from "./config/settings.ts";
import { settingsObject, settingsTable } from "./config/shown-settings.ts";
import { EngineEvents } from "./engine-events.ts";
import type { EngineLike } from "./engine-like.ts";
import { findModel } from "./find-model.ts";
import { runFit } from "./fit-command.ts";
import type { Flags } from "./flags.ts";
import { loadingFailure, type Terminal, toEngineOptions, withProgress } from "./loading.ts";
import { withFit } from "./memory-failure.ts";
import { toServerOptions } from "./server-options.ts";
import { isLoopback, type RunningServer, startServer } from "./start-server.ts";
import { startupReport } from "./startup-report.ts";

/** What the command uses of a process, for tests. */
export type CommandProcess = {
  readonly stdout: Terminal;
  readonly stderr: Terminal;
  /** Emits `SIGINT` and `SIGTERM`. */
  readonly signals: NodeJS.EventEmitter;
  /** Default: no variables. */
  readonly environment?: Readonly<Record<string, string | undefined>>;
};

/** An engine that is the command's own. */
export type OwnEngine = EngineLike & Pick<Engine, "dispose">;

/**
 * Runs `kvasir-server` with these arguments until it is told to stop. Resolves to the exit code: 0, 1 where the
 * server can not start (the cause is on stderr), 2 for wrong usage. `fit` as the first argument only says what fits.
 */
export async function runCommand(
  args: readonly string[],
  process: CommandProcess,
  load: (options: EngineOptions) => Promise<OwnEngine> = (options) => Engine.load(options),
): Promise<number> {
  if (args[0] === "fit") return await runFit(args.slice(1), process);
  const command = commandLine(packageJson.version, {
    out: (text) => process.stdout.write(text),
    err: (text) => process.stderr.write(text),
  });
  let settings: Settings;
  try {
    command.parse(args, { from: "user" });
    settings = await readSettings(command, process.environment ?? {}, repeatable);
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    if (!(error instanceof SettingError)) throw error;
    process.stderr.write(`kvasir-server: ${error.message}\n`);
    return 2;
  }
  const flags: Flags = command.opts();
  if (flags.json && !flags.printConfig) {
    process.stderr.write("kvasir-server: --json: goes only with --print-config\n");
    return 2;
  }
  if (flags.printConfig) {
    process.stdout.write(printed(settings, flags.json ?? false));
    return 0;
  }
  const asText = (flags.logFormat ?? (process.stdout.isTTY ? "text" : "json")) === "text";
  const logger = createLogger(flags.logLevel, asText, process.stdout);
  try {
    for (const warning of settings.warnings) logger.warn(warning);
    await serve(flags, settings, process, logger, asText, load);
    return 0;
  } catch (error) {
    process.stderr.write(`kvasir-server: ${listenFailure(error, flags) ?? loadingFailure(error)}\n`);
    logger.debug({ err: error }, "could not start");
    return 1;
  }
}

function printed({ list }: Settings, asJson: boolean): string {
  if (asJson) return `${JSON.stringify(settingsObject(list), null, 2)}\n`;
  return `${settingsTable(list).join("\n")}\n`;
}

async function serve(
  flags: Flags,
  { list: settings }: Settings,
  process: CommandProcess,
  logger: Logger,
  asText: boolean,
  load: (options: EngineOptions) => Promise<OwnEngine>,
): Promise<void> {
  const serving = await toServerOptions(flags);
  const hasKeys = (serving.apiKeys ?? []).length > 0;
  const named = await readPolicyFlags(flags);
  for (const [policy, from] of named.sources) logger.info({ policy, from }, "loaded a policy");
  const environment = process.environment ?? {};
  const model = await findModel({ ...flags, environment }, (what, work) => {
    logger.info(what);
    return withProgress(process.stderr, what, work);
  });
  const events = new EngineEvents();
  const options: EngineOptions = {
    ...toEngineOptions(model, flags, named),
    onWarning: (message) => logger.warn(message),
    onEvent: events.receive,
  };
  const engine = await withProgress(process.stderr, `loading ${flags.model}`, (report) =>
    load({ ...options, onLoadProgress: report }),
  ).catch(async (error) => {
    throw await withFit(error, options);
  });
  try {
    if (flags.cacheFile !== undefined) await loadCacheFile(engine, flags.cacheFile, logger);
    const server = await startServer(engine, { ...serving, events, logger });
    if (asText && logger.isLevelEnabled("info")) {
      const report = startupReport(engine.info, server.url, packageJson.version, { hasKeys, settings });
      process.stdout.write(report);
    } else {
      const settled = settingsObject(settings);
      logger.info({ engine: engine.info, url: server.url, settings: settled }, `listening on ${server.url}`);
    }
    if (!hasKeys && !isLoopback(flags.host)) {
      logger.warn(`anyone who reaches ${server.url} can use it: there is no --api-key`);
    }
    await untilStopped(server, process.signals, flags.drainSeconds, logger);
    if (flags.cacheFile !== undefined) await saveCacheFile(engine, flags.cacheFile, logger);
    logger.info("stopped");
  } finally {
    await engine.dispose();
  }
}

/** The first signal lets running requests finish, the second does not. */
async function untilStopped(
  server: RunningServer,
  signals: NodeJS.EventEmitter,
  drainSeconds: number,
  logger: Logger,
): Promise<void> {
  await signal(signals);
  logger.info(`stopping: up to ${drainSeconds} s for running requests; once more to end them now`);
  const stopped = server.stop(drainSeconds * 1000);
  void signal(signals).then(() => server.stop(0));
  await stopped;
}

async function signal(signals: NodeJS.EventEmitter): Promise<void> {
  await Promise.race([once(signals, "SIGINT"), once(signals, "SIGTERM")]);
}

function createLogger(level: string, asText: boolean, stdout: Terminal): Logger {
  const format = asText
    ? prettyFactory({ colorize: stdout.isTTY === true, translateTime: "HH:MM:ss", singleLine: true })
    : (line: string) => line;
  return pino({ level, base: null }, { write: (line) => stdout.write(format(line)) });
}

function listenFailure(error: unknown, { host, port }: Flags): string | undefined {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  if (code === "EADDRINUSE")
    return `--port: ${port} of ${host} is in use; choose another, or 0 for any free one`;
  if (code === "EADDRNOTAVAIL" || code === "ENOTFOUND")
    return `--host: ${host} is not an address of this machine`;
  if (code === "EACCES" && port < 1024) return `--port: ${port} needs more rights; choose one above 1023`;
  return undefined;
}
