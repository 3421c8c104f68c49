import { mkdtemp, readdir, readFile, readlink, rm, unlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Device } from "../src/device.ts";
import type { DType } from "../src/dtype.ts";
import { firstColumns, type Implementation } from "./implementation.ts";
import { ProgramSketch } from "./program-sketch.ts";
import { Random } from "./random.ts";
import { f32Weight, randomWeight, type Weight } from "./weight.ts";

/** Files of weights, which nobody vouches for. */
export function mappedFileCases({ name, open }: Implementation): void {
  describe(`${name}: mapped files`, () => {
    let device: Device;
    let folder: string;
    beforeAll(async () => {
      device = open();
      folder = await mkdtemp(join(tmpdir(), "kvasir-"));
    });
    afterAll(async () => {
      device.dispose();
      await rm(folder, { recursive: true });
    });

    async function fileOf(name: string, data: Uint8Array): Promise<string> {
      const path = join(folder, name);
      await writeFile(path, data);
      return path;
    }

    /** Rows 0 to 63 of a table that lies in a file from `offset` on; the file is closed before it is used. */
    async function readBack(
      table: Weight,
      path: string,
      offset: number,
      disposeFile: boolean,
    ): Promise<Float32Array> {
      const width = table.shape[1]!;
      const sketch = new ProgramSketch({ kvLayers: 1, kvHeads: 1, headDim: 2, vocabSize: 64 });
      sketch.readOut(sketch.embed(table));
      const program = sketch.on(device);
      const file = await device.mapFile(path);
      const tensor = file.tensor(table.dtype, table.shape, offset);
      if (disposeFile) file.dispose();
      using executable = device.compile({ ...program, tensors: program.tensors.with(0, tensor) });
      tensor.dispose();
      file.dispose();
      for (const own of program.tensors) own.dispose();
      using memory = device.pageMemory({ pages: 4, pageTokens: 16, headDim: 2, dtype: "f32" });
      const tokens = Int32Array.from({ length: 64 }, (_, i) => i);
      const sequence = {
        rows: 64,
        position: 0,
        resident: Int32Array.of(0),
        pages: Int32Array.of(0, 1, 2, 3),
        sinks: 0,
      };
      const { logits } = await executable.run(memory, {
        tokens,
        sequences: [sequence],
        outputs: tokens,
        returnLogits: true,
      });
      return firstColumns(logits!, 64, width);
    }

    it.each<DType>(["f32", "f16", "bf16"])(
      "hold %s tensors at any offset, and outlive their file's handle",
      async (dtype) => {
        const random = new Random(71);
        for (const [start, disposeFile] of [
          [0, false],
          [5, true],
          [8, false],
          [20, true],
          [4096, false],
        ] as const) {
          const table = randomWeight(random, dtype, [64, 7]);
          const bytes = new Uint8Array(start + table.data.byteLength + 3);
          bytes.set(new Uint8Array(table.data.buffer, 0, table.data.byteLength), start);
          const path = await fileOf("table", bytes);
          expect(Array.from(await readBack(table, path, start, disposeFile))).toEqual(
            Array.from(table.values),
          );
        }
      },
    );

    it("say their path and size", async () => {
      const path = await fileOf("five", new Uint8Array(5));
      using file = await device.mapFile(path);
      expect([file.path, file.size]).toEqual([path, 5]);
    });

    it("refuse tensors that lie outside or have no shape", async () => {
      using file = await device.mapFile(await fileOf("hundred", new Uint8Array(100)));
      using all = file.tensor("f32", [5, 5], 0);
      using last = file.tensor("f16", [1], 98);
      expect([all.bytes, last.bytes]).toEqual([100, 2]);
      const bad: [DType, number[], number][] = [
        ["f32", [5, 5], 4],
        ["f32", [26], 0],
        ["f32", [1], 100],
        ["f16", [1], 99],
        ["f32", [1], -4],
        ["f32", [1], 2 ** 53],
        ["f32", [1], Number.NaN],
        ["f32", [1], 0.5],
        ["f32", [2 ** 31 - 1, 2 ** 31 - 1], 0],
        ["f16", [2 ** 31 - 1, 2 ** 30], 4],
        ["f32", [0], 0],
        ["f32", [-1, -25], 0],
        ["f32", [2, 2, 2], 0],
        ["f32", [Number.NaN], 0],
      ];
      for (const [dtype, shape, offset] of bad) {
        const error = expect.objectContaining({ name: "KernelError", code: "invalid-argument" });
        expect(() => file.tensor(dtype, shape, offset), `${dtype} [${shape}] at ${offset}`).toThrow(error);
      }
    });

    it("may be empty, which leaves no room for a tensor", async () => {
      using file = await device.mapFile(await fileOf("empty", new Uint8Array(0)));
      expect(file.size).toBe(0);
      expect(() => file.tensor("f16", [1], 0)).toThrow(expect.objectContaining({ code: "invalid-argument" }));
    });

    it("that are missing, or folders, are errors that name them", async () => {
      for (const path of [join(folder, "absent"), folder, "", "a\0b"]) {
        const error = await device.mapFile(path).then(
          () => undefined,
          (error: unknown) => error,
        );
        expect(error, path).toMatchObject({ name: "KernelError", code: "io" });
        expect(String(error)).toContain(path === "a\0b" ? "a" : path);
      }
    });

    it.skipIf(process.platform !== "linux")(
      "are given back with their last user (seen on Linux only)",
      async () => {
        const path = await fileOf("returned", new Uint8Array(64 * 2 * 4));
        const isHeld = async () => {
          const open = await readdir("/proc/self/fd");
          const targets = await Promise.all(
            open.map((fd) => readlink(`/proc/self/fd/${fd}`).catch(() => "")),
          );
          return targets.includes(path) || (await readFile("/proc/self/maps", "utf8")).includes(path);
        };
        const file = await device.mapFile(path);
        const tensor = file.tensor("f32", [64, 2], 0);
        file.dispose();
        expect(await isHeld()).toBe(true);
        tensor.dispose();
        await expect.poll(isHeld).toBe(false);
      },
    );

    it("stay readable after they were unlinked", async () => {
      const table = f32Weight(
        [64, 2],
        Float32Array.from({ length: 128 }, (_, i) => i),
      );
      const path = await fileOf("gone", new Uint8Array(table.data.buffer as ArrayBuffer));
      using file = await device.mapFile(path);
      await unlink(path);
      using tensor = file.tensor("f32", [64, 2], 0);
      expect(tensor.shape).toEqual([64, 2]);
    });
  });
}
