import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Device } from "../src/device.ts";
import { openDevice } from "../src/open-device.ts";
import { needsNative, noNative } from "./native-availability.ts";
import { compileLong, compileTiny, longPrompt, promptStep, tinyPages } from "./test-programs.ts";

describe.skipIf(noNative)(needsNative("the native device"), () => {
  let device: Device;
  beforeAll(() => {
    device = openDevice({ backend: "native", cpu: "reference", threads: 1 });
  });
  afterAll(() => {
    device.dispose();
  });

  it("describes itself by level and threads", () => {
    expect(device.description).toBe("cpu reference, 1 thread");
    expect(device.backend).toBe("native");
  });

  it("computes into arrays that it hands over", async () => {
    using executable = compileTiny(device);
    using pages = tinyPages(device);
    const { logits, tokens, top } = await executable.run(pages, promptStep([1, 2]));
    // head . (2, -1)
    expect(Array.from(logits!)).toEqual([0, 2, 4]);
    expect(tokens).toEqual(new Int32Array(0));
    expect(top).toEqual([]);
  });

  it("leaves the event loop free while a step runs", async () => {
    using executable = compileLong(device);
    using pages = tinyPages(device);
    let done = false;
    const step = executable.run(pages, longPrompt).finally(() => {
      done = true;
    });
    let turns = 0;
    for (; !done; turns++) await new Promise((resolve) => setImmediate(resolve));
    await step;
    expect(turns).toBeGreaterThan(20);
  });

  it("leaves the event loop free while bytes of pages move behind a step", async () => {
    using executable = compileLong(device);
    using pages = tinyPages(device);
    const bytes = new Uint8Array(pages.pageBytes);
    let done = false;
    const work = [
      executable.run(pages, longPrompt),
      pages.readPages(Int32Array.of(0), bytes),
      pages.writePages(Int32Array.of(1), bytes),
    ];
    const moved = Promise.all(work).finally(() => {
      done = true;
    });
    let turns = 0;
    for (; !done; turns++) await new Promise((resolve) => setImmediate(resolve));
    await moved;
    expect(turns).toBeGreaterThan(20);
  });

  it("leaves the event loop free while it packs", async () => {
    // Random bits: the slowest rounding that there is.
    const data = Float32Array.from({ length: 1 << 20 }, (_, i) => Math.sin(i * i));
    using weight = device.tensor("f32", [1 << 10, 1 << 10], data);
    let done = false;
    const packing = device.pack(weight, "q4_k").finally(() => {
      done = true;
    });
    let turns = 0;
    for (; !done; turns++) await new Promise((resolve) => setImmediate(resolve));
    using packed = await packing;
    expect([packed.packed, packed.dtype, packed.shape]).toEqual([true, "q4_k", [1 << 10, 1 << 10]]);
    expect(turns).toBeGreaterThan(20);
  });

  it("takes its copy of a step before run() returns", async () => {
    using executable = compileTiny(device);
    using long = compileLong(device);
    using pages = tinyPages(device);
    const first = long.run(pages, longPrompt);
    const step = promptStep([2]);
    const second = executable.run(pages, step);
    step.tokens[0] = 0;
    step.outputs[0] = 99;
    step.sequences[0]!.pages[0] = 99;
    await first;
    expect(Array.from((await second).logits!)).toEqual([0, 2, 4]);
  });

  it("ends what was submitted when everything is disposed under it", async () => {
    const own = openDevice({ backend: "native", cpu: "reference", threads: 1 });
    const long = compileLong(own);
    const executable = compileTiny(own);
    const pages = tinyPages(own);
    const steps = [long.run(pages, longPrompt), executable.run(pages, promptStep([2]))];
    for (const disposable of [own, long, executable, pages]) disposable.dispose();
    const [, last] = await Promise.all(steps);
    expect(Array.from(last!.logits!)).toEqual([0, 2, 4]);
  });

  it("throws `disposed` after dispose, which may be called twice", async () => {
    const own = openDevice({ backend: "native", cpu: "reference", threads: 1 });
    const executable = compileTiny(own);
    const pages = tinyPages(own);
    own.dispose();
    own.dispose();
    const disposed = expect.objectContaining({ name: "KernelError", code: "disposed" });
    expect(() => own.tensor("f32", [1], Float32Array.of(1))).toThrow(disposed);
    expect(() => tinyPages(own)).toThrow(disposed);
    await expect(own.mapFile("x")).rejects.toThrow(disposed);
    await expect(own.pack(executable.program.tensors[0]!, "q8_0")).rejects.toThrow(disposed);
    await expect(executable.run(pages, promptStep([0]))).rejects.toThrow(disposed);
    await expect(pages.copyPages(Int32Array.of(0), Int32Array.of(1))).rejects.toThrow(disposed);
    for (const disposable of [executable, executable, pages, pages]) disposable.dispose();
  });

  it("refuses what belongs to another device", async () => {
    using other = openDevice({ backend: "native", cpu: "reference", threads: 1 });
    using interpreter = openDevice({ backend: "interpreter" });
    using executable = compileTiny(device);
    for (const owner of [other, interpreter]) {
      using pages = tinyPages(owner);
      await expect(executable.run(pages, promptStep([0]))).rejects.toThrow("of another device");
      using tensor = owner.tensor("f32", [3, 2], new Float32Array(6));
      expect(() => device.compile({ ...executable.program, tensors: [tensor, tensor] })).toThrow(
        "tensors[0] is of another device",
      );
    }
  });

  it("gives errors of the system as `io`", async () => {
    await expect(device.mapFile("/nonexistent/weights")).rejects.toMatchObject({
      name: "KernelError",
      code: "io",
      message: expect.stringContaining("/nonexistent/weights"),
    });
    await expect(device.mapFile("a\0b")).rejects.toMatchObject({ code: "io" });
  });
});
