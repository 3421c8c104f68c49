import { z } from "zod";

const count = z.int().min(0);
const filename = z.string().regex(/^(?!\.)[A-Za-z0-9._-]{1,128}$/);
const slot = z.union([count, z.string()]);

/** `GET /health` and `GET /health/ready`. */
export const healthAnswer = z.strictObject({ status: z.enum(["ok", "ready", "stalled", "shutting down"]) });

/** `GET /health/decode`. */
export const decodeHealthAnswer = z.strictObject({
  status: z.enum(["ok", "idle", "stalled"]),
  running: count,
  last_token_age_seconds: z.union([z.number(), z.null()]),
  stall_threshold_seconds: z.number(),
});

/** `GET /props`. */
export const propsAnswer = z.strictObject({
  default_generation_settings: z.strictObject({ n_ctx: count }),
  total_slots: count,
  model_alias: z.string(),
  chat_template: z.string().optional(),
  kvasir: z.record(z.string(), z.unknown()),
});

/** `GET /slots`. */
export const slotsAnswer = z.array(
  z.strictObject({
    id: count,
    n_ctx: count,
    is_processing: z.boolean(),
    id_task: z.string().optional(),
    session: z.string().optional(),
    n_decoded: count.optional(),
    seconds: z.number().optional(),
  }),
);

/** What names a file, of `/slots/{id}` and `/cache`. */
export const fileBody = z.object({ filename });

/** `POST /slots/{id}`, by `action`. */
export const slotAnswer = z.union([
  z.strictObject({
    id_slot: slot,
    filename,
    n_saved: count,
    n_written: count,
    timings: z.strictObject({ save_ms: z.number() }),
  }),
  z.strictObject({
    id_slot: slot,
    filename,
    n_restored: count,
    n_read: count,
    timings: z.strictObject({ restore_ms: z.number() }),
  }),
  z.strictObject({ id_slot: slot, n_erased: count }),
]);

/** `POST /cache/reset`. */
export const resetAnswer = z.strictObject({ dropped_tokens: count });

/** `POST /cache/save`. */
export const cacheSaveAnswer = z.strictObject({
  filename,
  n_entries: count,
  n_saved: count,
  n_written: count,
  timings: z.strictObject({ save_ms: z.number() }),
});

/** `POST /cache/load`. */
export const cacheLoadAnswer = z.strictObject({
  filename,
  n_entries: count,
  n_restored: count,
  n_read: count,
  timings: z.strictObject({ restore_ms: z.number() }),
});
