import { afterAll, describe, expect, it } from "vitest";
import { isBuilt, OutsideFolder } from "../../../.vitest/outside-folder.ts";
import { importPolicies, isPolicyDefinition, type PolicyDefinition, PolicyError } from "../src/index.ts";

const folder = new OutsideFolder();
afterAll(() => folder.remove());
const from = folder.path;
const load = (specifier: string, others: readonly PolicyDefinition[] = []) =>
  importPolicies(specifier, { from, others });
const definePolicy = 'import { adaptive, definePolicy, h2o, perLayer } from "@kvasir/kv-policies";\n';
const spec = (name: string) =>
  `{ name: "${name}", signals: ["keyNorm"], score: ({ keyNorm }) => keyNorm.slice() }`;

describe.skipIf(!isBuilt)("importPolicies (what it loads needs npm run build)", () => {
  it("takes every policy of a file, the default export first, and nothing else", async () => {
    folder.write(
      "several.mjs",
      `${definePolicy}
       export const another = definePolicy(${spec("another")});
       export const wrapped = adaptive(another);
       export const layered = perLayer(() => another);
       export const name = "several", signals = ["keyNorm"], helper = () => 1, nothing = null;
       const first = definePolicy(${spec("first")});
       export { first as default, first as again };`,
    );
    const found = await load("./several.mjs");
    expect(found.map(({ name }) => name)).toEqual(["first", "another", "per-layer", "adaptive+another"]);
    expect(found.every(isPolicyDefinition)).toBe(true);
    expect(await load(`${from}/several.mjs`)).toEqual(found);
  });

  it("resolves packages from the folder that it is told", async () => {
    const manifest = { name: "policy-package", exports: { ".": { import: "./main.mjs" } } };
    folder.write("node_modules/policy-package/package.json", JSON.stringify(manifest));
    folder.writePolicy("node_modules/policy-package/main.mjs", "of-a-package");
    expect((await load("policy-package")).map(({ name }) => name)).toEqual(["of-a-package"]);
    await expect(importPolicies("policy-package")).rejects.toMatchObject({ code: "NOT_FOUND" });
    await expect(load("policy-package/other")).rejects.toMatchObject({ code: "NOT_FOUND" });
  });

  it("keeps the event loop alive while it checks", async () => {
    // Slow at first, so that the checks take a while on any machine.
    folder.write(
      "alive.mjs",
      `${definePolicy}
       let slow = 40;
       const score = ({ keyNorm }) => {
         for (const begun = performance.now(); slow > 0 && performance.now() - begun < 5; );
         slow -= 1;
         return keyNorm.slice();
       };
       export default definePolicy({ name: "alive", signals: ["keyNorm"], score });`,
    );
    let turns = 0;
    const timer = setInterval(() => (turns += 1), 1);
    await load("./alive.mjs");
    clearInterval(timer);
    expect(turns).toBeGreaterThan(20);
  });

  it("takes again what it loaded before", async () => {
    folder.writePolicy("twice.mjs", "twice");
    const once = await load("./twice.mjs");
    expect((await load("./twice.mjs", once))[0]).toBe(once[0]);
  });

  it.each<[string, string, string, RegExp]>([
    [
      "an error of syntax",
      "export const a = 1;\nconst = 3;",
      "IMPORT_FAILED",
      /Unexpected token '='.* at .*:2$/,
    ],
    ["an exception", 'throw new Error("boo");', "IMPORT_FAILED", /boo/],
    ["an import of nothing", 'import "nothing-like-it";', "IMPORT_FAILED", /nothing-like-it/],
    [
      "a wrong definition",
      `${definePolicy} export default definePolicy({ name: "Wrong", signals: [] });`,
      "IMPORT_FAILED",
      /Policy Wrong: name: expected lower-case words/,
    ],
    ["nothing", "", "NO_POLICY", /exports nothing/],
    ["no policy", "export const a = 1, b = { name: 5 };", "NO_POLICY", /exports a, b/],
    [
      "an object that looks like a policy",
      `export default ${spec("look-alike")};`,
      "INVALID_DEFINITION",
      /"default" looks like a policy/,
    ],
    [
      "a changed copy of a policy",
      `${definePolicy} export const copy = Object.freeze({ ...h2o, name: "copy" });`,
      "INVALID_DEFINITION",
      /"copy" looks like a policy/,
    ],
    [
      "a policy for another engine",
      `const mark = Symbol.for("@kvasir/kv-policies definition");
       export const old = Object.freeze(Object.defineProperty(${spec("old")}, mark, { value: 0 }));`,
      "INVALID_DEFINITION",
      /"old" was made by a version/,
    ],
    [
      "the name of a built-in policy",
      `${definePolicy} export default definePolicy(${spec("h2o")});`,
      "NAME_TAKEN",
      /Policy h2o: a built-in policy has this name/,
    ],
    [
      "one name twice",
      `${definePolicy} export const a = definePolicy(${spec("same")}), b = definePolicy(${spec("same")});`,
      "NAME_TAKEN",
      /Policy same: another policy/,
    ],
    [
      "NaN for a score",
      `${definePolicy} export default definePolicy({
         name: "not-a-number", signals: ["keyNorm"],
         score: ({ keyNorm }) => keyNorm.map((norm) => norm / Math.max(...keyNorm)),
       });`,
      "FAILED_CHECK",
      /Policy not-a-number: it fails the check "keeps .*": .*NaN/,
    ],
    [
      "state",
      `${definePolicy} let calls = 0; export default definePolicy({
         name: "moody", signals: ["keyNorm"],
         score: ({ keyNorm }) => keyNorm.map((norm, slot) => (calls++ % 2 ? slot : -slot)),
       });`,
      "FAILED_CHECK",
      /Policy moody: it fails the check "keeps the same slots when asked again/,
    ],
    [
      "a forged mark",
      `const mark = Symbol.for("@kvasir/kv-policies definition");
       export default Object.freeze(Object.defineProperty(${spec("forged")}, mark, { value: 1 }));`,
      "FAILED_CHECK",
      /Policy forged: it fails the check/,
    ],
  ])("refuses a file with %s", async (what, text, code, message) => {
    const file = `./${what.replaceAll(" ", "-")}.mjs`;
    folder.write(file, text);
    const refused = await load(file).catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(PolicyError);
    expect(refused).toMatchObject({ code, message: expect.stringMatching(message) });
  });

  it("refuses a name that another file's policy has", async () => {
    folder.writePolicy("one.mjs", "clashing");
    folder.writePolicy("other.mjs", "clashing");
    const others = await load("./one.mjs");
    await expect(load("./other.mjs", others)).rejects.toMatchObject({
      code: "NAME_TAKEN",
      policy: "clashing",
    });
  });

  it.each([
    ["./nowhere.mjs", "NOT_FOUND", /there is no file .*nowhere.mjs/],
    [".", "NOT_FOUND", /is no file; name the one in it/],
    ["no-such-package", "NOT_FOUND", /no installed package/],
    ["not a name", "NOT_FOUND", /no installed package/],
    ["", "NOT_FOUND", /no installed package/],
    ["node:fs", "NO_POLICY", /none that definePolicy made/],
    ["data:text/javascript,const = 1", "IMPORT_FAILED", /Unexpected token/],
    ["./notes.text", "IMPORT_FAILED", /does not load/],
  ])("says of %j that it is %s", async (specifier, code, message) => {
    folder.write("notes.text", "a note");
    await expect(load(specifier)).rejects.toMatchObject({ code, message: expect.stringMatching(message) });
  });
});
