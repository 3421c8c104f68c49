import { defineConfig } from "tsup";
import { library } from "../../tsup.base.ts";

const entry = ["src/index.ts", "src/conformance.ts"];

export default defineConfig({ ...library(entry), dts: { entry } });
