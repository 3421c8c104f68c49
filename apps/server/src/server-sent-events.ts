import { setTimeout as delay } from "node:timers/promises";
import type { ApiErrorBody } from "./api-error.ts";

const encoder = new TextEncoder();

export type EventStreamOptions = {
  /** Milliseconds without an event after which a comment keeps proxies and clients from giving up. */
  readonly keepAlive: number;
  /** What to send as the last event when the events break off. */
  readonly onError: (error: unknown) => ApiErrorBody;
  /** Called once: after the last event, an error, or the client's leaving. */
  readonly onClose: () => void;
};

/**
 * Server-sent events of JSON, with `data: [DONE]` at the end, written only as fast as they are read.
 * `first` is the promise of the first event, where it was already asked for.
 */
export function eventStream(
  events: AsyncGenerator<object, void>,
  first: Promise<IteratorResult<object, void>>,
  options: EventStreamOptions,
): ReadableStream<Uint8Array> {
  let pending: typeof first | undefined = first;
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        pending ??= events.next();
        try {
          const next = await orUndefined(pending, options.keepAlive);
          if (next === undefined) {
            controller.enqueue(encoder.encode(": keep-alive\n\n"));
            return;
          }
          pending = undefined;
          controller.enqueue(encoder.encode(next.done ? "data: [DONE]\n\n" : eventText(next.value)));
          if (!next.done) return;
        } catch (error) {
          controller.enqueue(encoder.encode(eventText(options.onError(error))));
        }
        controller.close();
        options.onClose();
      },
      cancel() {
        options.onClose();
        // The abort behind onClose ends it too; this covers events that wait for nothing.
        pending?.catch(() => {});
        events.return().catch(() => {});
      },
    },
    { highWaterMark: 0 },
  );
}

/** The promise's value, or undefined after so many milliseconds; the promise stays as it is. */
export async function orUndefined<T>(promise: Promise<T>, milliseconds: number): Promise<T | undefined> {
  const timer = new AbortController();
  try {
    return await Promise.race([
      promise,
      delay(milliseconds, undefined, { signal: timer.signal, ref: false }),
    ]);
  } finally {
    timer.abort();
  }
}

function eventText(value: object): string {
  return `data: ${JSON.stringify(value)}\n\n`;
}
