import { Presets, SingleBar } from "cli-progress";

/** Work done, in whatever unit, and what runs now. */
export type CommandProgress = { readonly done: number; readonly total: number; readonly now: string };

/** For people, from the share that is done and the milliseconds it took. */
function timeLeft(share: number, milliseconds: number): string {
  if (share === 0) return "";
  const seconds = (milliseconds * (1 - share)) / share / 1000;
  return seconds < 90 ? `about ${Math.ceil(seconds)} s left` : `about ${Math.ceil(seconds / 60)} min left`;
}

// A second one ends the process.
const interrupts = ["SIGINT", "SIGTERM"] as const;

/** Runs a command's work with a bar on the terminal, if there is one, and a signal that Ctrl-C or SIGTERM sets off. */
export async function withProgress<T>(
  quiet: boolean,
  work: (onProgress: (progress: CommandProgress) => void, signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const bar = new SingleBar(
    {
      format: "{bar} {percentage} % | {left} | {now}",
      stream: process.stderr,
      clearOnComplete: true,
      hideCursor: true,
    },
    Presets.shades_classic,
  );
  const shown = process.stderr.isTTY && !quiet;
  if (shown) bar.start(1, 0, { now: "loading", left: "" });
  let begun: number | undefined;
  const controller = new AbortController();
  const interrupt = () => controller.abort(new Error("interrupted"));
  for (const name of interrupts) process.once(name, interrupt);
  const onProgress = ({ done, total, now }: CommandProgress) => {
    if (!shown) return;
    if (total > 1) begun ??= performance.now();
    const left = begun === undefined ? "" : timeLeft(done / total, performance.now() - begun);
    bar.setTotal(total);
    bar.update(done, { now, left });
  };
  return work(onProgress, controller.signal).finally(() => {
    for (const name of interrupts) process.off(name, interrupt);
    bar.stop();
  });
}
