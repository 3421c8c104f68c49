import { expect, test } from "vitest";
import type { Pace } from "../load-settings.ts";
import type { Workload } from "../workloads/workload.ts";
import { LoadRun, type Place, type Reply } from "./load-run.ts";

/** Sessions of so many requests, whose content is what was answered before. */
const turns = (count: number): Workload => ({
  session: () => {
    let asked = 0;
    return {
      workload: "scripted",
      next: (answer = "") =>
        asked++ < count
          ? { content: { kind: "turns", turns: [{ role: "user", content: answer }] }, scope: "", thinkMs: 0 }
          : undefined,
    };
  },
});
const soon = () => new Promise((resolve) => setImmediate(resolve));
const done: Reply = { text: "", goesOn: true, backOffMs: 0 };
const open: Extract<Pace, { kind: "open" }> = { kind: "open", rate: 5000, burstiness: 1, maxOpen: 1000 };

function start(
  pace: Pace,
  requests: number,
  send: (place: Place, said: string) => Promise<Reply>,
  count = 1,
) {
  const run = new LoadRun({
    workload: turns(count),
    pace,
    seed: 1,
    requests,
    durationMs: Number.POSITIVE_INFINITY,
    signal: new AbortController().signal,
    send: ({ content }, place) => send(place, content.kind === "turns" ? content.turns[0]!.content : ""),
  });
  return { run, ended: run.run() };
}

test("a closed loop keeps as many requests open as it has clients, and sends exactly the limit", async () => {
  let [running, most, sent] = [0, 0, 0];
  await start({ kind: "closed", clients: 3 }, 20, async () => {
    sent++;
    most = Math.max(most, ++running);
    await soon();
    running--;
    return done;
  }).ended;
  expect([most, sent]).toEqual([3, 20]);
});

test("an open loop does not wait for answers: all arrive before the first is answered", async () => {
  let release = () => {};
  const all = new Promise<void>((resolve) => {
    release = resolve;
  });
  let sent = 0;
  // Were an arrival to wait for an answer, this would never end.
  await start(open, 50, async () => {
    if (++sent === 50) release();
    await all;
    return done;
  }).ended;
  expect(sent).toBe(50);
});

test("an open loop drops and counts what arrives while too many are open", async () => {
  let release = () => {};
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  const places: Place[] = [];
  const { run, ended } = start({ ...open, maxOpen: 4 }, 30, async (place) => {
    places.push(place);
    await held;
    return done;
  });
  while (run.dropped < 26) await soon();
  release();
  await ended;
  expect(places.map(({ session }) => session)).toEqual([0, 1, 2, 3]);
  expect(run.dropped).toBe(26);
});

test("arrivals are those of the seed, however late they are sent", async () => {
  const arrivals = async (hold: boolean) => {
    const found: number[] = [];
    await start(open, 20, async ({ arrivedAt }) => {
      found.push(arrivedAt);
      const until = performance.now() + (hold ? 2 : 0);
      while (performance.now() < until);
      return done;
    }).ended;
    return found.map((at) => at - found[0]!);
  };
  const [quick, slow] = [await arrivals(false), await arrivals(true)];
  for (const [i, gap] of quick.entries()) expect(slow[i]).toBeCloseTo(gap, 6);
});

test("a conversation goes on with what was answered, and ends where it may not", async () => {
  const said: string[] = [];
  await start(
    { kind: "closed", clients: 1 },
    7,
    async ({ session, turn }, content) => {
      said.push(`${session}.${turn} ${content}`);
      return { text: `after ${session}.${turn}`, goesOn: !(session === 1 && turn === 0), backOffMs: 0 };
    },
    3,
  ).ended;
  expect(said).toEqual([
    "0.0 ",
    "0.1 after 0.0",
    "0.2 after 0.1",
    "1.0 ",
    "2.0 ",
    "2.1 after 2.0",
    "2.2 after 2.1",
  ]);
});

test.each<Pace>([{ kind: "closed", clients: 2 }, open])(
  "a %o run ends with the error of its first session",
  async (pace) => {
    const { ended } = start(pace, 100, async ({ session }) => {
      if (session === 5) throw new Error("stop");
      return done;
    });
    await expect(ended).rejects.toThrow("stop");
  },
);
