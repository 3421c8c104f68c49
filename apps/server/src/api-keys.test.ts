import { createHmac } from "node:crypto";
import { describe, expect, it } from "vitest";
import { ApiKeys, everyone } from "./api-keys.ts";

const salts = (keys: ApiKeys) => keys.tenants.map(({ salt }) => salt);

describe("API keys", () => {
  it("are each a tenant, whose salt is derived from the key", () => {
    const keys = new ApiKeys([{ name: "a", key: "one" }, "two"]);
    const salt = createHmac("sha256", "one").update("kvasir tenant salt v1").digest("hex");
    expect(keys.find("one")).toEqual({ name: "a", salt });
    expect(keys.find("two")?.name).toBe("key2");
    expect(new Set(salts(keys)).size).toBe(2);
    for (const wrong of ["", "on", "one ", "three", salt]) expect(keys.find(wrong)).toBeUndefined();
  });

  it("have other salts with another cache secret, and one salt where prefixes are shared", () => {
    const plain = salts(new ApiKeys(["one", "two"]));
    const secret = salts(new ApiKeys(["one", "two"], { cacheSecret: "s" }));
    const other = salts(new ApiKeys(["one", "two"], { cacheSecret: "t" }));
    expect(new Set([...plain, ...secret, ...other]).size).toBe(6);
    expect(secret[0]).toBe(createHmac("sha256", "s").update(plain[0]!).digest("hex"));
    expect(salts(new ApiKeys(["one", "two"], { sharePrefixes: true, cacheSecret: "s" }))).toEqual([
      everyone.salt,
      everyone.salt,
    ]);
  });

  it("are refused where no header carries them, or where two have one name", () => {
    for (const key of ["", "two words", "sécret"]) expect(() => new ApiKeys([key])).toThrow(RangeError);
    expect(() => new ApiKeys([{ name: "no name", key: "k" }])).toThrow(RangeError);
    const twice = ["a", "b"].map((key) => ({ name: "same", key }));
    expect(() => new ApiKeys(twice)).toThrow(/same is given twice/);
  });
});
