/** A model of a hub: `org/name`, `org/name@revision`, `org/name:file.gguf`, `org/name@revision:file.gguf`. */
export type HubId = {
  readonly org: string;
  readonly name: string;
  /** A branch, tag or commit; default `main`. */
  readonly revision: string;
  /** The GGUF file in the repository; undefined: a checkpoint in the Hugging Face layout. */
  readonly file: string | undefined;
};

const part = "[A-Za-z0-9][A-Za-z0-9._-]{0,95}";
const pattern = new RegExp(
  `^(?<org>${part})/(?<name>${part})(@(?<revision>[A-Za-z0-9][A-Za-z0-9._/-]{0,199}))?(:(?<file>.+\\.gguf))?$`,
);

/** Undefined for what is no such id, and for names that could lead out of a folder. */
export function parseHubId(text: string): HubId | undefined {
  const { org, name, revision = "main", file } = pattern.exec(text)?.groups ?? {};
  if (org === undefined || name === undefined) return undefined;
  if (revision.split("/").some((each) => each === "" || each.startsWith("."))) return undefined;
  if (file !== undefined && !isSafePath(file)) return undefined;
  return { org, name, revision, file };
}

/** A relative path of plain names: none is hidden, none goes up. */
export function isSafePath(path: string): boolean {
  return path.length <= 400 && path.split("/").every((name) => /^(?!\.)[\w.() -]{1,200}$/.test(name));
}
