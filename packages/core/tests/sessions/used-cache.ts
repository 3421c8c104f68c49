import { writeFile } from "node:fs/promises";
import { expect } from "vitest";
import { namespaceText } from "../../src/session/prefix-namespace.ts";
import { SessionRefused } from "../../src/session/session-refused.ts";
import type { SessionFolder } from "./session-folder.ts";
import { SmallCache } from "./small-cache.ts";
import { bob } from "./small-format.ts";

/** What the good file holds. */
export const savedPrefixes = [
  [1, 2, 3, 4, 5, 6],
  [1, 2, 7, 8],
] as const;

/** A cache with something of its own, on which bad files are tried. */
export class UsedCache extends SmallCache {
  constructor() {
    super({ pages: 40 });
    this.add([1, 2, 3, 3]);
    this.add([5, 5, 5, 5], namespaceText(bob));
  }

  /** Pages by owner, its prefixes with their bytes, and how much of the file's it has. */
  get holds(): unknown {
    return [
      this.census(),
      this.content([1, 2, 3, 3]),
      this.content([5, 5, 5, 5], namespaceText(bob)),
      savedPrefixes.map((tokens) => this.content(tokens)[0]),
    ];
  }

  /** Tries a bad file: it must be refused, and leave pages, counts and prefixes as they are. */
  async refusal(disk: SessionFolder, bytes: Uint8Array): Promise<SessionRefused> {
    await writeFile(disk.file, bytes);
    const before = this.holds;
    const error = await disk.restore(this).catch((one) => one);
    expect(error).toBeInstanceOf(SessionRefused);
    expect(this.holds).toEqual(before);
    return error;
  }
}
