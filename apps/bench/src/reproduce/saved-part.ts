import { createHash } from "node:crypto";
import type { JsonValue } from "./figure.ts";

/** Under what circumstances results are comparable: one that was measured under others is measured again. */
export type Circumstances = {
  readonly shape: string;
  readonly seed: number;
  /** Of this software. */
  readonly version: string;
  readonly machine: { readonly cpu: string; readonly processors: number; readonly device: string };
};

/** A part that was measured, as a line of a file keeps it. */
export type SavedPart = Circumstances & {
  readonly figure: string;
  readonly key: string;
  /** ISO 8601, of its end. */
  readonly date: string;
  /** That it took. */
  readonly seconds: number;
  readonly result: JsonValue;
};

const format = "kvasir-reproduce-part";
const formatVersion = 1;

const checksumOf = (body: string) => createHash("sha256").update(body).digest("hex");

/** Where two runs' circumstances are the same. */
export function sameCircumstances(a: Circumstances, b: Circumstances): boolean {
  return (
    a.shape === b.shape &&
    a.seed === b.seed &&
    a.version === b.version &&
    a.machine.cpu === b.machine.cpu &&
    a.machine.processors === b.machine.processors &&
    a.machine.device === b.machine.device
  );
}

/** One line of JSON, its end included. */
export function encodeSavedPart(part: SavedPart): string {
  const { figure, key, shape, seed, version, machine, date, seconds, result } = part;
  const { cpu, processors, device } = machine;
  const body = {
    ...{ format, formatVersion, figure, key, shape, seed, version, machine: { cpu, processors, device } },
    ...{ date, seconds, result },
  };
  return `${JSON.stringify({ ...body, checksum: checksumOf(JSON.stringify(body)) })}\n`;
}

/** Reads such a line. Throws `Error` that says what is wrong with it. */
export function decodeSavedPart(line: string): SavedPart {
  let parsed: unknown;
  try {
    parsed = JSON.parse(line);
  } catch (cause) {
    throw new Error("it is not JSON", { cause });
  }
  if (!isRecord(parsed) || parsed.format !== format) throw new Error("it is not a saved part");
  if (parsed.formatVersion !== formatVersion) {
    throw new Error(`formatVersion: expected ${formatVersion}, received ${String(parsed.formatVersion)}`);
  }
  const { checksum, ...body } = parsed;
  if (checksum !== checksumOf(JSON.stringify(body))) throw new Error("its checksum differs");
  if (!isSavedPart(body)) throw new Error("a field of it is missing or has another type");
  return body;
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const isCount = (value: unknown) => typeof value === "number" && value >= 0;

function isSavedPart(body: Record<string, unknown>): body is Record<string, unknown> & SavedPart {
  const { machine } = body;
  const texts = [body.figure, body.key, body.shape, body.version, body.date];
  return (
    texts.every((text) => typeof text === "string") &&
    isCount(body.seed) &&
    isCount(body.seconds) &&
    "result" in body &&
    isRecord(machine) &&
    typeof machine.cpu === "string" &&
    isCount(machine.processors) &&
    typeof machine.device === "string"
  );
}
