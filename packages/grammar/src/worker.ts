import { parentPort, workerData } from "node:worker_threads";
import { GrammarError, type GrammarErrorParts } from "./grammar-error.ts";
import { MatcherHost } from "./thread/matcher-host.ts";
import type {
  OpenRequest,
  ThreadAnswer,
  ThreadData,
  ThreadMessage,
  ThreadRequest,
} from "./thread/protocol.ts";

/** Answers wait for others so long at most, so that one slow mask does not hold up those that are ready. */
const FLUSH_MS = 4;

const port = parentPort!;
const host = new MatcherHost(workerData as ThreadData);

let answers: ThreadAnswer[] = [];
let masks: Uint32Array[] = [];
let flushed = performance.now();

function flush(): void {
  const all = new Uint32Array(masks.length * host.words);
  masks.forEach((mask, index) => {
    all.set(mask, index * host.words);
  });
  const message: ThreadMessage = { answers, masks: all };
  port.postMessage(message, [all.buffer]);
  [answers, masks, flushed] = [[], [], performance.now()];
}

function answer(request: Exclude<ThreadRequest, { kind: "close" }>): void {
  const { job } = request;
  try {
    if (request.kind === "open") {
      host.open(request);
      answers.push({ job, mask: undefined, done: false });
    } else {
      const mask = new Uint32Array(host.words);
      const done = host.next(request, mask);
      answers.push({ job, mask: masks.push(mask) - 1, done });
    }
  } catch (error) {
    answers.push({ job, error: partsOf(error) });
  }
  if (performance.now() - flushed > FLUSH_MS) flush();
}

function partsOf(error: unknown): GrammarErrorParts {
  if (error instanceof GrammarError) return error.toParts();
  // Such as a Map of more entries than there can be.
  if (error instanceof RangeError) return { code: "too-large", message: error.message, path: undefined };
  return { code: "internal", message: String(error), path: undefined };
}

port.on("message", (requests: readonly ThreadRequest[]) => {
  flushed = performance.now();
  const opening: OpenRequest[] = [];
  for (const request of requests) {
    if (request.kind === "close") host.close(request.matcher);
    else if (request.kind === "open") opening.push(request);
    else answer(request);
  }
  // Sequences that run go first, since compiling may take long; nothing of a message asks for a matcher that it opens.
  if (answers.length > 0) flush();
  for (const request of opening) answer(request);
  if (answers.length > 0) flush();
  host.trim();
});

// Says that the thread is ready.
flush();
