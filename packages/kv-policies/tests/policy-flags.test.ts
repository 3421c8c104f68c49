import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { isBuilt, OutsideFolder } from "../../../.vitest/outside-folder.ts";
import { PolicyFlagError, type PolicyFlags, readPolicyFlags } from "../src/index.ts";

const folder = new OutsideFolder();
const read = (flags: PolicyFlags) => readPolicyFlags(flags, folder.path);
beforeAll(() => {
  const gain =
    'parameters: { gain: { type: "number", default: 1, minimum: 0, maximum: 9, description: "of what" } },';
  folder.writePolicy("mine.mjs", "mine", gain);
  folder.writePolicy("node_modules/yours/index.mjs", "yours");
  folder.write("node_modules/yours/package.json", '{ "exports": "./index.mjs" }');
  folder.writePolicy("broken.mjs", "broken", "", "keyNorm.map(() => Number.NaN)");
});
afterAll(() => folder.remove());

describe("without anything from outside", () => {
  it.each([
    [undefined, undefined],
    ["h2o", "h2o"],
    ["chunked+adaptive+snapkv>h2o", "chunked+adaptive+snapkv>h2o"],
  ])("--kv-policy %s is the built-in one", async (kvPolicy, name) => {
    const { choice, policies } = await read(kvPolicy === undefined ? {} : { kvPolicy });
    expect([choice.policy, policies]).toEqual([name, []]);
  });

  it("reads options by what the policy takes", async () => {
    const kvOption = ["pooling=max", "kernel=5", "protectLayers=0", "decode=true"];
    const { choice } = await read({ kvPolicy: "adaptive+snapkv", kvBudget: 64, kvOption });
    expect(choice).toEqual({
      policy: "adaptive+snapkv",
      budget: 64,
      pooling: "max",
      kernel: 5,
      protectLayers: [0],
      decode: true,
    });
  });

  it.each<[PolicyFlags, RegExp]>([
    [
      { kvPolicy: "lru" },
      /^--kv-policy: Policy lru: it is unknown; known are full, random.*wrappers: adaptive\+/,
    ],
    [{ kvPolicy: "adaptive+lru" }, /^--kv-policy: Policy lru: it is unknown/],
    [{ kvPolicy: "merge+full" }, /^--kv-policy: Policy merge\+full: it evicts nothing/],
    [{ kvPolicy: "./lru.js" }, /^--kv-policy: Policy \.\/lru\.js: there is no file/],
    [{ kvPolicies: ["lru"] }, /^--kv-policies: Policy lru: no installed package/],
    [{ kvOption: ["budget"] }, /^--kv-option: expected name=value, received "budget"/],
    [{ kvOption: ["=1"] }, /^--kv-option: expected name=value/],
    [{ kvOption: ["__proto__=1"] }, /^--kv-option: expected name=value/],
    [{ kvOption: ["sinks=1", "sinks=2"] }, /^--kv-option: sinks was given twice/],
    [{ kvBudget: 9, kvOption: ["budget=9"] }, /^--kv-option: budget was given twice/],
    [{ kvOption: ["memory=1"] }, /^--kv-option: memory is no option of a policy/],
  ])("refuses %j", async (flags, message) => {
    const refused = await read(flags).catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(PolicyFlagError);
    expect(refused).toMatchObject({ message: expect.stringMatching(message) });
  });
});

describe.skipIf(!isBuilt)("with policies from outside (they need npm run build)", () => {
  it("--kv-policy takes a file, a package, and names of what --kv-policies loaded", async () => {
    expect((await read({ kvPolicy: "./mine.mjs" })).choice.policy).toBe("mine");
    expect((await read({ kvPolicy: "yours" })).choice.policy).toBe("yours");
    const both = { kvPolicies: ["./mine.mjs", "yours"], kvPolicy: "adaptive+mine>yours" };
    const { choice, policies, sources } = await read({ ...both, kvOption: ["gain=3", "alphaSafeguard=0"] });
    expect(choice).toEqual({ policy: "adaptive+mine>yours", gain: 3, alphaSafeguard: 0 });
    expect(policies.map(({ name }) => name)).toEqual(["mine", "yours"]);
    expect([...sources]).toEqual([
      ["mine", "./mine.mjs"],
      ["yours", "yours"],
    ]);
  });

  it("loads a file once that both flags name", async () => {
    const { choice, policies } = await read({ kvPolicies: ["./mine.mjs"], kvPolicy: "./mine.mjs" });
    expect([choice.policy, policies.map(({ name }) => name)]).toEqual(["mine", ["mine"]]);
  });

  it("names the flag, the policy and the check that it fails", async () => {
    await expect(read({ kvPolicies: ["./broken.mjs"] })).rejects.toThrow(
      /^--kv-policies: Policy broken: it fails the check "keeps/,
    );
  });
});
