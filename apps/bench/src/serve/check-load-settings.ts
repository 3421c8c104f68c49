import { type LoadSettings, workloadNames } from "./load-settings.ts";

/** Throws `RangeError` naming a setting that is out of its range, or does not go with another. */
export function checkLoadSettings(settings: LoadSettings): void {
  checkNumbers(settings);
  const { workload, requests, duration, check, greedy, cache, salt, endpoint, unruly } = settings;
  const names = workload.mix.map(({ name }) => name);
  if (requests === undefined && duration === undefined) refuse("requests", "it or duration", "neither");
  if (names.length === 0) refuse("mix", `some of ${workloadNames.join(", ")}`, "none");
  const shares = unruly.cancel + unruly.malformed + unruly.oversized;
  if (shares > 1) refuse("cancel, malformed and oversized", "shares that add up to 1 at most", shares);
  if (names.includes("file") && workload.file === undefined) refuse("file", "a file of JSON lines", "none");
  if (workload.vocabSize !== undefined) {
    if (endpoint === "chat") refuse("ids", "the endpoint completions", "chat");
    if (names.includes("multi-turn")) refuse("ids", "workloads of one turn", "multi-turn");
  }
  if (check > 0 && !greedy && !names.includes("file"))
    refuse("check", "greedy requests", "sampled ones, which differ each time");
  if (cache === "warm" && salt !== "auto" && salt !== "none")
    refuse("salt", "none in a warm run, which is to hit", salt);
  if (cache === "cold" && salt === "none") refuse("salt", "a salt in a cold run", salt);
}

function checkNumbers({ pace, workload, unruly, ...settings }: LoadSettings): void {
  const { requests = 1, duration = 1, warmUp, timeout, seed, check, slo } = settings;
  checkWhole(0, { check, warmUp, seed });
  checkWhole(1, {
    requests,
    ...(pace.kind === "closed" ? { clients: pace.clients } : { maxOpen: pace.maxOpen }),
    groups: workload.groups,
    prefixTokens: workload.prefixTokens,
    oversizedBytes: unruly.oversizedBytes,
  });
  const positive = pace.kind === "open" ? { rate: pace.rate, burstiness: pace.burstiness } : {};
  for (const [name, value] of Object.entries({ ...positive, ...slo, duration, timeout }))
    if (!(value > 0)) refuse(name, "a number above 0", value);
  for (const name of ["cancel", "malformed", "oversized"] as const)
    if (!(unruly[name] >= 0 && unruly[name] <= 1)) refuse(name, "a share from 0 to 1", unruly[name]);
  for (const { name, share } of workload.mix)
    if (!(share > 0)) refuse(`mix ${name}`, "a share above 0", share);
  for (const name of ["promptTokens", "outputTokens", "suffixTokens", "turns"] as const) {
    const { low, high } = workload[name];
    if (!Number.isSafeInteger(low) || !Number.isSafeInteger(high) || low < 1 || high < low)
      refuse(name, "whole numbers from 1, the higher one last", `${low} to ${high}`);
  }
  const { low, high } = workload.thinkSeconds;
  if (!(low >= 0 && high >= low))
    refuse("thinkSeconds", "numbers from 0, the higher one last", `${low} to ${high}`);
}

function checkWhole(low: number, values: Readonly<Record<string, number>>): void {
  for (const [name, value] of Object.entries(values))
    if (!Number.isSafeInteger(value) || value < low) refuse(name, `a whole number from ${low}`, value);
}

function refuse(name: string, expected: string, received: unknown): never {
  throw new RangeError(`${name}: expected ${expected}, received ${received}`);
}
