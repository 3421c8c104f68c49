import { type Context, Hono } from "hono";
import type { AppEnv } from "../app-env.ts";
import { readJsonObject } from "../request-body.ts";
import { invalidValue } from "../request-error.ts";
import type { AdminContext } from "./admin-context.ts";
import { saveFile } from "./save-file.ts";
import { storeWork } from "./store-work.ts";

const bodyLimit = 64 * 1024;

/** The whole cache: forgotten (under three names, as clients of other servers call it), saved and loaded. */
export function cacheRoutes(context: AdminContext): Hono<AppEnv> {
  const hono = new Hono<AppEnv>();
  const { engine } = context;
  for (const path of ["/cache/reset", "/reset_prefix_cache", "/flush_cache"]) {
    hono.post(path, async (c) => {
      refuseQueries(c);
      const tokens = await storeWork(context, "reset", {}, async () => engine.resetCache());
      return c.json({ dropped_tokens: tokens });
    });
  }
  hono.post("/cache/save", async (c) => {
    const { filename } = await readJsonObject(c.req.raw, bodyLimit);
    const path = await saveFile(context.slotSavePath, filename, "write");
    const saved = await storeWork(context, "save_cache", { filename }, () => engine.saveCache(path));
    const { entries, tokens, bytes, milliseconds } = saved;
    return c.json({
      filename,
      n_entries: entries,
      n_saved: tokens,
      n_written: bytes,
      timings: { save_ms: milliseconds },
    });
  });
  hono.post("/cache/load", async (c) => {
    const { filename } = await readJsonObject(c.req.raw, bodyLimit);
    const path = await saveFile(context.slotSavePath, filename, "read");
    const loaded = await storeWork(context, "load_cache", { filename }, () => engine.loadCache(path));
    const { entries, tokens, bytes, milliseconds } = loaded;
    return c.json({
      filename,
      n_entries: entries,
      n_restored: tokens,
      n_read: bytes,
      timings: { restore_ms: milliseconds },
    });
  });
  return hono;
}

/** vLLM's, which would do more than is done here. */
function refuseQueries(c: Context<AppEnv>): void {
  for (const name of ["reset_running_requests", "reset_external"]) {
    const value = c.req.query(name);
    if (value === undefined || /^(false|0)?$/i.test(value)) continue;
    throw invalidValue(name, "expected false: running requests keep their pages, and files are kept");
  }
}
