import { spawnSync } from "node:child_process";
import { closeSync, ftruncateSync, openSync, readSync, writeSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const source = fileURLToPath(new URL("failing-allocations.cpp", import.meta.url));
const entry = 16;
const mostLogged = 1 << 16;
/** Of the six numbers before the log. */
const head = 48;

/** One allocation that kvasir.node made: where, as an offset in it, and by which of its calls. */
export type Allocation = { readonly site: bigint; readonly path: string };

/** An allocation that is to fail: which one of a path, from 1. */
export type Failing = Pick<Allocation, "path"> & { readonly at: number };

/** Says in which process allocations of kvasir.node are counted and failed, and which: see failing-allocations.cpp. */
export class AllocationFaults implements Disposable {
  readonly #file: number;
  /** For the process. */
  readonly environment: Readonly<Record<string, string>>;

  private constructor(library: string, control: string) {
    this.#file = openSync(control, "w+");
    ftruncateSync(this.#file, head + entry * mostLogged);
    this.environment = { LD_PRELOAD: library, KVASIR_ALLOCATIONS: control };
  }

  /** Compiles what is loaded into the process, into `folder`. A sentence where this machine cannot. */
  static prepare(folder: string): AllocationFaults | string {
    if (process.platform !== "linux") return "there is no LD_PRELOAD on this platform";
    const compiler = process.env.CXX ?? "g++";
    const library = join(folder, "failing-allocations.so");
    const flags = ["-std=c++17", "-O2", "-shared", "-fPIC", "-o", library, source, "-ldl"];
    const compiled = spawnSync(compiler, flags, { encoding: "utf8" });
    if (compiled.error) return `no C++ compiler (${compiler})`;
    if (compiled.status !== 0) return `it does not compile with this C library: ${compiled.stderr}`;
    const faults = new AllocationFaults(library, join(folder, "control"));
    const env = { ...process.env, ...faults.environment };
    const tried = spawnSync(process.execPath, ["--version"], { env, encoding: "utf8" });
    if (tried.status === 0 && tried.stderr === "") return faults;
    faults[Symbol.dispose]();
    return `LD_PRELOAD does not work here: ${tried.stderr}`;
  }

  /** From now on allocations are logged, and one fails where that is said. */
  arm(failing?: Failing): void {
    this.#write(0, [0, failing ? Number.parseInt(failing.path, 16) : 0, failing?.at ?? 0, 0, 0, 0]);
    this.#write(0, [1]);
  }

  /** Ends that; returns whether one failed. */
  disarm(): boolean {
    this.#write(0, [0]);
    return this.#read(40, 8).readBigUInt64LE() > 0n;
  }

  /** What was allocated since `arm`. Throws where that was more than is logged. */
  log(): Allocation[] {
    const count = Number(this.#read(32, 8).readBigUInt64LE());
    if (count > mostLogged) throw new Error(`${count} allocations; ${mostLogged} are logged`);
    const bytes = this.#read(head, count * entry);
    return Array.from({ length: count }, (_, i) => ({
      site: bytes.readBigUInt64LE(i * entry),
      path: bytes.readBigUInt64LE(i * entry + 8).toString(16),
    }));
  }

  #write(at: number, numbers: readonly number[]): void {
    writeSync(
      this.#file,
      new Uint8Array(BigUint64Array.from(numbers, BigInt).buffer),
      0,
      numbers.length * 8,
      at,
    );
  }

  #read(at: number, bytes: number): Buffer {
    const buffer = Buffer.alloc(bytes);
    readSync(this.#file, buffer, 0, bytes, at);
    return buffer;
  }

  [Symbol.dispose](): void {
    closeSync(this.#file);
  }
}
