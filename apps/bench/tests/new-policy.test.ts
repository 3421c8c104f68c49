import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { newPolicy } from "../src/index.ts";

const scratch = mkdtempSync(path.join(tmpdir(), "kvasir-new-policy-"));
afterAll(() => rmSync(scratch, { recursive: true }));

describe("newPolicy", () => {
  it("writes the package, named throughout", async () => {
    const dir = path.join(scratch, "deep", "er");
    const files = await newPolicy({ name: "by-hand-2", dir });
    const names = ["package.json", "by-hand-2.js", "by-hand-2.test.js", "README.md"];
    expect(files).toEqual(names.map((name) => path.join(dir, name)));
    const [manifest, policy, test, readme] = files.map((file) => readFileSync(file, "utf8"));
    expect(JSON.parse(manifest!)).toMatchObject({
      name: "by-hand-2",
      type: "module",
      exports: "./by-hand-2.js",
    });
    expect(policy).toContain('name: "by-hand-2"');
    expect(test).toContain('from "./by-hand-2.js"');
    expect(readme).toContain("--kv-policy by-hand-2");
  });

  it.each([
    ["", "is none"],
    ["My-Policy", "is none"],
    ["my_policy", "is none"],
    ["../up", "is none"],
    ["@scope/policy", "is none"],
    ["a".repeat(65), "is none"],
    ["snapkv", "is a built-in policy"],
    ["path", "is a module of Node's"],
  ])("refuses the name %j and writes nothing", async (name, reason) => {
    const dir = path.join(scratch, "refused");
    await expect(newPolicy({ name, dir })).rejects.toThrow(reason);
    expect(readdirSync(scratch)).not.toContain("refused");
  });

  it("overwrites nothing", async () => {
    const dir = path.join(scratch, "taken");
    mkdirSync(dir);
    writeFileSync(path.join(dir, "notes.txt"), "mine");
    await expect(newPolicy({ name: "mine", dir })).rejects.toThrow(
      /dir: .*taken has files in it already, like notes.txt/,
    );
    expect(readdirSync(dir)).toEqual(["notes.txt"]);
  });
});
