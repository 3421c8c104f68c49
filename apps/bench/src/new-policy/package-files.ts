/** The files of a policy's package, by name. `version` is that of this package and all others of Kvasir's. */
export function packageFiles(name: string, version: string): Readonly<Record<string, string>> {
  return {
    "package.json": `${JSON.stringify(manifest(name, version), undefined, 2)}\n`,
    [`${name}.js`]: policyText(name),
    [`${name}.test.js`]: testText(name),
    "README.md": readmeText(name),
  };
}

const manifest = (name: string, version: string) => ({
  name,
  version: "0.1.0",
  description: "A KV-cache eviction policy for Kvasir",
  keywords: ["kvasir", "kv-cache", "eviction"],
  type: "module",
  engines: { node: ">=20.19" },
  exports: `./${name}.js`,
  files: [`${name}.js`],
  scripts: { test: "node --test" },
  peerDependencies: { "@kvasir/kv-policies": `^${version}` },
});

const policyText = (name: string) => `// @ts-check
import { definePolicy } from "@kvasir/kv-policies";

/**
 * Keeps keys of low L2 norm, and of two alike the more recent. A start: say here what your policy values, and why.
 */
const policy = definePolicy({
  name: "${name}",
  // All that score may read: position, keyNorm, valueNorm, keys, values, or attention in one of five ways.
  signals: ["position", "keyNorm"],
  defaults: { budget: 0.5 },
  parameters: {
    recency: {
      type: "number",
      default: 0.1,
      minimum: 0,
      maximum: 1000,
      description: "what the newest token gains over the oldest",
    },
  },
  // One number for each slot of a head; the highest are kept.
  score: ({ position, keyNorm, seen, options: { recency } }) =>
    keyNorm.map((norm, slot) => (recency * (position[slot] ?? 0)) / seen - norm),
});

export default policy;
`;

const testText = (name: string) => `// @ts-check
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { createPolicy } from "@kvasir/kv-policies";
import { policyChecks } from "@kvasir/kv-policies/conformance";
import policy from "./${name}.js";

describe("conformance", () => {
  for (const { name, run } of policyChecks(policy)) test(name, run);
});

describe("eight slots worked out by hand", () => {
  const model = { layers: 1, heads: 1, pageTokens: 2, signals: policy.signals };
  /** The slots that a head keeps of eight, the first and the last of which are guarded. */
  const kept = (/** @type {number} */ recency) => {
    const bound = createPolicy(policy, { budget: 4, sinks: 1, recent: 1, recency }, model);
    const position = Float32Array.of(0, 1, 2, 3, 4, 5, 6, 7);
    const keyNorm = Float32Array.of(9, 3, 8, 2, 7, 1, 6, 5);
    const head = { layer: 0, head: 0, resident: 8, seen: 8, phase: /** @type {const} */ ("prefill") };
    return [...bound.select({ ...head, signals: { position, keyNorm } })];
  };

  test("norms alone: 1 and 2 are the lowest", () => assert.deepEqual(kept(0), [0, 3, 5, 7]));
  test("recency outweighs norms", () => assert.deepEqual(kept(1000), [0, 5, 6, 7]));
});
`;

const readmeText = (name: string) => `# ${name}

A KV-cache eviction policy for [Kvasir](https://www.npmjs.com/package/@kvasir/kv-policies). Say here what it keeps, and where that comes from.

\`\`\`sh
npm install ${name}
npx kvasir-server --kv-policy ${name} --kv-budget 0.5
\`\`\`

| option    | unless told |                                            |
| --------- | ----------- | ------------------------------------------ |
| \`recency\` | 0.1         | what the newest token gains over the oldest |

\`npm test\` runs the conformance suite and a few slots that were worked out by hand.
`;
