import { CheckpointError } from "./checkpoint-error.ts";

/** Undefined where the file is not there. */
export async function orMissing<T>(opening: Promise<T>): Promise<T | undefined> {
  try {
    return await opening;
  } catch (error) {
    if (error instanceof CheckpointError && error.code === "not-found") return undefined;
    throw error;
  }
}
