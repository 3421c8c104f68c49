import { type Context, Hono } from "hono";
import { ApiError } from "../api-error.ts";
import { everyone } from "../api-keys.ts";
import type { AppEnv } from "../app-env.ts";
import { readJsonObject } from "../request-body.ts";
import { invalidValue } from "../request-error.ts";
import type { AdminContext } from "./admin-context.ts";
import { saveFile } from "./save-file.ts";
import { storeWork } from "./store-work.ts";

const bodyLimit = 64 * 1024;

/** `GET /slots` and `POST /slots/{id}?action=save|restore|erase`, with llama-server's bodies and answers. */
export function slotRoutes(context: AdminContext): Hono<AppEnv> {
  const hono = new Hono<AppEnv>();
  hono.get("/slots", (c) => {
    const slots = listSlots(context);
    if (c.req.query("fail_on_no_slot") === "1" && slots.every((slot) => slot.is_processing)) {
      throw new ApiError(503, "no_slot_available", "all slots are in use");
    }
    return c.json(slots);
  });
  hono.post("/slots/:id", async (c) => {
    const action = c.req.query("action");
    if (action === "save") return c.json(await save(c, context));
    if (action === "restore") return c.json(await restore(c, context));
    if (action === "erase") return c.json(await erase(c, context));
    throw invalidValue("action", "expected save, restore or erase, in the query");
  });
  return hono;
}

async function save(c: Context<AppEnv>, context: AdminContext): Promise<object> {
  const { engine, slotSavePath } = context;
  const slot = slotOf(c, context);
  const { filename } = await readJsonObject(c.req.raw, bodyLimit);
  const path = await saveFile(slotSavePath, filename, "write");
  const target = { ...slot.target, path, signal: c.req.raw.signal };
  const saved = await storeWork(context, "save", { ...slot.fields, filename }, () => engine.save(target));
  const { tokens, bytes, milliseconds } = saved;
  return {
    id_slot: slot.id,
    filename,
    n_saved: tokens,
    n_written: bytes,
    timings: { save_ms: milliseconds },
  };
}

async function restore(c: Context<AppEnv>, context: AdminContext): Promise<object> {
  const { engine, slotSavePath } = context;
  const slot = slotOf(c, context);
  const { filename } = await readJsonObject(c.req.raw, bodyLimit);
  const path = await saveFile(slotSavePath, filename, "read");
  const target = { ...slot.target, path, signal: c.req.raw.signal };
  const restored = await storeWork(context, "restore", { ...slot.fields, filename }, () =>
    engine.restore(target),
  );
  const { tokens, bytes, milliseconds } = restored;
  return {
    id_slot: slot.id,
    filename,
    n_restored: tokens,
    n_read: bytes,
    timings: { restore_ms: milliseconds },
  };
}

async function erase(c: Context<AppEnv>, context: AdminContext): Promise<object> {
  const slot = slotOf(c, context);
  const erased = await storeWork(
    context,
    "erase",
    slot.fields,
    async () => await context.engine.erase(slot.target),
  );
  return { id_slot: slot.id, n_erased: erased };
}

/** A session by its name, which is the slot's number for clients of llama-server, and whose it is. */
function slotOf(c: Context<AppEnv>, { keys }: AdminContext) {
  const session = c.req.param("id") ?? "";
  if (!/^[A-Za-z0-9._-]{1,64}$/.test(session)) {
    throw invalidValue("id", "expected 1 to 64 of A-Z a-z 0-9 . _ -");
  }
  const tenant = tenantOf(c.req.query("tenant"), keys.tenants);
  const cacheSalt = c.req.query("cache_salt");
  if (cacheSalt !== undefined && (cacheSalt === "" || cacheSalt.length > 512)) {
    throw invalidValue("cache_salt", "expected 1 to 512 characters");
  }
  return {
    id: /^(0|[1-9]\d{0,8})$/.test(session) ? Number(session) : session,
    target: {
      session,
      ...(tenant.salt === everyone.salt ? {} : { tenant: tenant.salt }),
      ...(cacheSalt === undefined ? {} : { cacheSalt }),
    },
    fields: { session, ...(tenant.name === everyone.name ? {} : { tenant: tenant.name }) },
  };
}

/** Where all tenants have one salt, there is nothing to choose. */
function tenantOf(name: string | undefined, tenants: AdminContext["keys"]["tenants"]) {
  const named = tenants.find((tenant) => tenant.name === name);
  if (named) return named;
  const names = tenants.map((tenant) => tenant.name).join(", ");
  if (name !== undefined) {
    throw invalidValue("tenant", names === "" ? "there are no API keys" : `expected one of ${names}`);
  }
  if (new Set(tenants.map(({ salt }) => salt)).size <= 1) return tenants[0] ?? everyone;
  throw invalidValue("tenant", `expected the name of an API key in the query, one of ${names}`);
}

/** What runs, then empty slots up to how many may run. */
function listSlots({ engine, underWay, maxRunning }: AdminContext) {
  const running = underWay.list.map(({ id, session, generated, arrival }) => ({
    is_processing: true,
    ...(id === undefined ? {} : { id_task: id }),
    ...(session === undefined ? {} : { session }),
    n_decoded: generated,
    seconds: (performance.now() - arrival) / 1000,
  }));
  const empty = Array.from({ length: Math.max(0, maxRunning - running.length) }, () => ({
    is_processing: false,
  }));
  return [...running, ...empty].map((slot, id) => ({ id, n_ctx: engine.info.maxPositions, ...slot }));
}
