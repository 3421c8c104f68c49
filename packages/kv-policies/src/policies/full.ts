import { definePolicy } from "../definition.ts";

/** Keeps everything: the baseline, and the default. */
export const full = definePolicy({ name: "full", signals: [] });
