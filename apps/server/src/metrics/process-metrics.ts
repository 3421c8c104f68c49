import { monitorEventLoopDelay } from "node:perf_hooks";
import { Counter, Gauge, type Registry } from "prom-client";

/** Registers the event loop's delay and the process's memory and time. Dispose it to end the measuring. */
export function processMetrics(registry: Registry): Disposable {
  const registers = [registry];
  const resolution = 10; // milliseconds; part of what the histogram holds
  const delays = monitorEventLoopDelay({ resolution });
  delays.enable();
  const seconds = (nanoseconds: number) =>
    Number.isFinite(nanoseconds) ? Math.max(0, nanoseconds / 1e9 - resolution / 1000) : 0;
  new Gauge({
    name: "kvasir_event_loop_delay_seconds",
    help: "How late the event loop was since these metrics were last read: p50, p99 and max",
    labelNames: ["statistic"],
    registers,
    collect() {
      this.set({ statistic: "p50" }, seconds(delays.percentile(50)));
      this.set({ statistic: "p99" }, seconds(delays.percentile(99)));
      this.set({ statistic: "max" }, seconds(delays.max));
      delays.reset();
    },
  });
  new Gauge({
    name: "process_resident_memory_bytes",
    help: "Resident memory of the process",
    registers,
    collect() {
      this.set(process.memoryUsage.rss());
    },
  });
  new Counter({
    name: "process_cpu_seconds_total",
    help: "Processor time of the process, in user and system mode",
    registers,
    collect() {
      const { user, system } = process.cpuUsage();
      this.reset();
      this.inc((user + system) / 1e6);
    },
  });
  return {
    [Symbol.dispose]: () => {
      delays.disable();
    },
  };
}
