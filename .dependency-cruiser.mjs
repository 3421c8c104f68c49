/** The one-way map of dependencies: apps → core → {runtime, kv-policies, paged-memory, tokenizer, grammar}, runtime → {kernels, gguf}, tokenizer → gguf. */
const allowed = {
  "packages/gguf": [],
  "packages/grammar": [],
  "packages/kernels": [],
  "packages/kv-policies": [],
  "packages/paged-memory": [],
  "packages/tokenizer": ["packages/gguf"],
  "packages/tiny-models": [],
  "packages/runtime": ["packages/kernels", "packages/gguf"],
  "packages/core": [
    "packages/runtime",
    "packages/kv-policies",
    "packages/paged-memory",
    "packages/tokenizer",
    "packages/grammar",
  ],
  "apps/server": ["packages/core", "packages/kv-policies", "packages/tiny-models"],
  "apps/bench": [
    "packages/core",
    "packages/kv-policies",
    "packages/tiny-models",
    "packages/runtime",
    "packages/paged-memory",
    "packages/gguf",
    "packages/kernels",
  ],
};

export default {
  forbidden: [
    ...Object.entries(allowed).map(([folder, targets]) => ({
      name: `${folder} depends only on ${targets.join(", ") || "nothing of ours"}`,
      severity: "error",
      from: { path: `^${folder}/src` },
      to: { path: "^(packages|apps)/", pathNot: [`^${folder}/`, ...targets.map((target) => `^${target}/`)] },
    })),
    { name: "no cycles", severity: "error", from: { path: "/src/" }, to: { circular: true } },
    {
      name: "only a package's index is public",
      severity: "error",
      from: { path: "^(packages|apps)/([^/]+)/" },
      to: {
        path: "^packages/([^/]+)/(src|dist)/",
        pathNot: ["^packages/$2/", "/(src|dist)/index\\.(ts|js|d\\.ts)$"],
      },
    },
    {
      name: "no undeclared or unresolvable dependency",
      severity: "error",
      from: { path: "/src/" },
      to: { dependencyTypes: ["npm-no-pkg", "npm-unknown", "unknown"] },
    },
  ],
  options: {
    doNotFollow: { path: "node_modules" },
    exclude: { path: "(dist|node_modules|build|native|platforms)/" },
    tsConfig: { fileName: "tsconfig.base.json" },
    tsPreCompilationDeps: true,
    enhancedResolveOptions: {
      conditionNames: ["@kvasir/source", "import", "node", "default"],
      exportsFields: ["exports"],
    },
  },
};
