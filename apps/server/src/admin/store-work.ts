import { toApiError } from "../engine-failure.ts";
import type { StoreOperation } from "../metrics/metrics.ts";
import type { AdminContext } from "./admin-context.ts";

/** Does one operation on what is stored, counts it and writes a line about it. Throws an `ApiError`. */
export async function storeWork<T>(
  { metrics, logger }: Pick<AdminContext, "metrics" | "logger">,
  operation: StoreOperation,
  fields: object,
  work: () => Promise<T>,
): Promise<T> {
  const start = performance.now();
  const line = () => ({ operation, ...fields, milliseconds: Math.round(performance.now() - start) });
  try {
    const result = await work();
    metrics.stored(operation, "ok");
    const counts = typeof result === "object" ? result : { tokens: result };
    logger.info({ ...line(), ...counts }, "stored");
    return result;
  } catch (error) {
    const failure = toApiError(error, { path: "filename" });
    const { code, status, cause } = failure;
    metrics.stored(operation, code);
    if (status === 500) logger.error({ ...line(), code, err: cause }, "failed");
    else logger.info({ ...line(), code }, "refused");
    throw failure;
  }
}
