import { register } from "node:module";
import { isMainThread } from "node:worker_threads";

// Worker threads of the tests run TypeScript sources: Node 20 cannot by itself, and Vitest sees only its own modules.
if (!isMainThread) register(new URL("typescript-loader.mjs", import.meta.url));
