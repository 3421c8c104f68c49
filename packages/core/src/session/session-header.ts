import { sha256 } from "./digest.ts";
import { parseFormat, type SavedFormat } from "./saved-format.ts";
import { limits, magic, prologueBytes, version } from "./session-layout.ts";
import { damagedHead, SessionRefused } from "./session-refused.ts";

/** The JSON at the beginning of a session file. */
export type SessionHeader = {
  /** One conversation, or all prefixes of a cache. */
  readonly kind: "session" | "cache";
  readonly format: SavedFormat;
  readonly namespaces: number;
  readonly entries: number;
  /** Of all entries. */
  readonly blocks: number;
};

/** Prologue, header and the digest of both. */
export function encodeHeader(header: SessionHeader): { bytes: Buffer; digest: Buffer } {
  const json = Buffer.from(JSON.stringify(header));
  const prologue = Buffer.alloc(prologueBytes);
  prologue.set(magic);
  prologue.writeUInt32LE(version, 8);
  prologue.writeUInt32LE(json.length, 12);
  const digest = sha256(prologue, json);
  return { bytes: Buffer.concat([prologue, json, digest]), digest };
}

/** Bytes of the header, as the prologue says. @throws SessionRefused */
export function parsePrologue(prologue: Buffer, fileBytes: number): number {
  if (!prologue.subarray(0, magic.length).equals(magic))
    throw new SessionRefused("corrupt", "the file is not a session file");
  const headerBytes = prologue.readUInt32LE(12);
  if (headerBytes > Math.min(limits.headerBytes, fileBytes - prologueBytes)) throw damagedHead();
  return headerBytes;
}

/** Verifies, then parses. @throws SessionRefused */
export function parseHeader(prologue: Buffer, json: Buffer, digest: Buffer): SessionHeader {
  if (!sha256(prologue, json).equals(digest)) throw damagedHead();
  const written = prologue.readUInt32LE(8);
  if (written !== version) {
    throw new SessionRefused(
      "other-format",
      `the file has version ${written} of the format, this engine reads ${version}`,
    );
  }
  const header = checked(parseJson(json));
  if (!header) throw damagedHead();
  return header;
}

function parseJson(json: Buffer): unknown {
  try {
    return JSON.parse(json.toString("utf8"));
  } catch {
    return undefined;
  }
}

function checked(value: unknown): SessionHeader | undefined {
  if (typeof value !== "object" || value === null || Object.keys(value).length !== 5) return undefined;
  const { kind, format, namespaces, entries, blocks } = value as Record<string, unknown>;
  const parsed = parseFormat(format);
  if (!parsed || (kind !== "session" && kind !== "cache")) return undefined;
  const { kvLayers, kvHeads } = parsed;
  if (
    !count(namespaces, limits.namespaces) ||
    !count(entries, limits.entries) ||
    !count(blocks, Math.floor(limits.pages / (kvLayers * kvHeads)))
  ) {
    return undefined;
  }
  if (namespaces > entries || entries > blocks || (kind === "session" && entries !== 1)) return undefined;
  return { kind, format: parsed, namespaces, entries, blocks };
}

function count(value: unknown, most: number): value is number {
  return typeof value === "number" && Number.isInteger(value) && value >= 0 && value <= most;
}
