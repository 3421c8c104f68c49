import { setMaxListeners } from "node:events";
import { Engine, type EngineOptions } from "@kvasir/core";
import { modelPath, type TinyModel } from "@kvasir/tiny-models";
import { untimedSteps } from "../untimed-steps.ts";
import type { PartContext } from "./figure.ts";

/**
 * Measures on an engine of an embedded model, which is gone afterwards.
 * @param use gets a signal that any number of requests may listen to
 */
export async function withEngine<R>(
  { settings, signal }: Pick<PartContext, "settings" | "signal">,
  model: TinyModel,
  options: Omit<EngineOptions, "model" | "signal" | "backend" | "threads" | "cpu">,
  use: (engine: Engine, signal: AbortSignal) => Promise<R>,
): Promise<R> {
  const { device, deviceOptions } = settings;
  const shared = AbortSignal.any([signal]);
  setMaxListeners(0, shared);
  await using engine = await Engine.load({
    ...deviceOptions,
    backend: device.backend,
    ...untimedSteps,
    ...options,
    model: modelPath(model),
    signal: shared,
  });
  return await use(engine, shared);
}
