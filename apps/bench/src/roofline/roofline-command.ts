import { availableParallelism } from "node:os";
import type { WeightDType } from "@kvasir/kernels";
import { SingleBar } from "cli-progress";
import { type Command, InvalidArgumentError } from "commander";
import { type DeviceFlags, deviceFlags, wholeNumber } from "../device-flags.ts";
import { markdownTable, textTable } from "../text-table.ts";
import { type Roofline, roofline, weightDtypes } from "./roofline.ts";

type Flags = DeviceFlags & {
  readonly threads: number;
  readonly types: readonly WeightDType[];
  readonly seconds: number;
  readonly mebibytes: number;
  readonly context: number;
  readonly json: boolean;
  readonly markdown: boolean;
};

function typesIn(text: string): readonly WeightDType[] {
  return text.split(",").map((name) => {
    const known = weightDtypes.find((one) => one === name);
    if (!known) throw new InvalidArgumentError(`Expected some of ${weightDtypes.join(", ")}.`);
    return known;
  });
}

function secondsIn(text: string): number {
  const value = Number(text);
  if (text.trim() !== "" && value > 0 && value <= 60) return value;
  throw new InvalidArgumentError("Expected a number above 0, up to 60.");
}

/** `kvasir-bench roofline`: what the machine can do, and each kernel's share of it. */
export function rooflineCommand(program: Command): void {
  deviceFlags(program.command("roofline"), "native", Math.min(availableParallelism(), 256))
    .description("measure this machine's memory and arithmetic, and each native kernel's share of them")
    .option("--types <types>", "weight types, a comma between (default: all)", typesIn, weightDtypes)
    .option("--seconds <n>", "for each measurement", secondsIn, 0.5)
    .option("--mebibytes <n>", "read at a time: several times the last cache", wholeNumber(1, 65_536), 256)
    .option("--context <tokens>", "that attention reads; in steps of 512", wholeNumber(512, 65_536), 4096)
    .option("--json", "print one JSON document", false)
    .option("--markdown", "print Markdown tables", false)
    .action(async (flags: Flags) => {
      const { backend, cpu, threads, types, seconds, mebibytes, context } = flags;
      const bar = new SingleBar({
        format: "{bar} {value}/{total} kernels",
        stream: process.stderr,
        clearOnComplete: true,
      });
      const shown = process.stderr.isTTY && !flags.json;
      if (shown) bar.start(types.length * 3 + 2, 0);
      const result = await roofline({
        device: { backend, threads, ...(cpu && { cpu }) },
        seconds,
        bytes: mebibytes * 2 ** 20,
        dtypes: types,
        resident: Math.floor(context / 512) * 512,
        ...(shown && { onProgress: (done: number) => bar.update(done) }),
      }).finally(() => bar.stop());
      process.stdout.write(
        flags.json
          ? `${JSON.stringify(result)}\n`
          : rooflineText(result, flags.markdown ? markdownTable : textTable),
      );
    });
}

function rooflineText({ conditions, device, rates, kernels }: Roofline, table: typeof textTable): string {
  const giga = (value: number) => (value / 1e9).toFixed(1);
  const machine = table(
    ["threads", "GB/s read", "Gop/s f32", "Gop/s int8"],
    rates.map(({ threads, read, float, byte }) => [String(threads), giga(read), giga(float), giga(byte)]),
  );
  const shares = table(
    ["kernel", "ms", "GB/s", "Gop/s", "bound by", "of the roof"],
    kernels.map(({ kernel, ms, bytesPerSecond, operationsPerSecond, bound, share }) => [
      kernel,
      ms.toFixed(2),
      giga(bytesPerSecond),
      giga(operationsPerSecond),
      bound,
      `${(share * 100).toFixed(0)} %`,
    ]),
  );
  const { cpu, processors, node, loadBefore, date } = conditions;
  return `${cpu}, ${processors} processors; ${device}; Node.js ${node}; load ${loadBefore.toFixed(2)}; ${date.slice(0, 10)}\n\n${machine}\n\n${shares}\n`;
}
