import { describe, expect, it } from "vitest";
import { runScript } from "./child-script.ts";
import { needsNative, noNative } from "./native-availability.ts";

/** V8's count holds array buffers too, so sizes are large and compared in MiB. */
const prelude = `
  import { loadAddon } from "../src/native/load-addon.ts";
  import { openDevice } from "../src/open-device.ts";
  const device = openDevice({ backend: "native", cpu: "reference", threads: 1 });
  const data = new Float32Array(1 << 22);
  const told = async () => {
    for (let i = 0; i < 10; i++) {
      gc();
      await new Promise((resolve) => setImmediate(resolve));
    }
    return loadAddon().externalMemory();
  };
  const before = await told();
  const say = async (what) => console.log(what, Math.round((await told() - before) / 2 ** 20));
`;

describe.skipIf(noNative)(needsNative("memory that V8 is told of"), () => {
  it("counts copied tensors until they are disposed, once", async () => {
    const { stdout, stderr } = await runScript(`${prelude}
      const tensor = device.tensor("f32", [1 << 22], data);
      await say("held");
      tensor.dispose();
      tensor.dispose();
      await say("disposed");
    `);
    expect({ stdout, stderr }).toEqual({ stdout: "held 16\ndisposed 0\n", stderr: "" });
  });

  // Telling V8 of each would have it collect garbage all the time that a model loads.
  it("counts packed tensors once the device has nothing to do, not the files that they were read from", async () => {
    const { stdout, stderr } = await runScript(`${prelude}
      import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
      import { tmpdir } from "node:os";
      import { join } from "node:path";
      const folder = mkdtempSync(join(tmpdir(), "kvasir-"));
      writeFileSync(join(folder, "weights"), new Uint8Array((1 << 19) * 34));
      const file = await device.mapFile(join(folder, "weights"));
      rmSync(folder, { recursive: true });
      const weight = file.tensor("q8_0", [1 << 12, 1 << 12], 0);
      await say("mapped");
      const packing = [device.pack(weight), device.pack(weight)];
      const one = await packing[0];
      console.log("between", loadAddon().externalMemory() - before < one.bytes);
      const other = await packing[1];
      weight.dispose();
      const held = (await told() - before) / (one.bytes + other.bytes);
      console.log("held", Math.round(held), one.bytes >= (1 << 19) * 34);
      for (const tensor of [one, one, other]) tensor.dispose();
      await say("disposed");
      const forget = async () => void (await device.pack(file.tensor("q8_0", [1 << 12, 1 << 12], 0)));
      await forget();
      await say("collected");
    `);
    expect({ stdout, stderr }).toEqual({
      stdout: "mapped 0\nbetween true\nheld 1 true\ndisposed 0\ncollected 0\n",
      stderr: "",
    });
  });

  it("counts pages once work names them, not the reservation", async () => {
    const { stdout, stderr } = await runScript(`${prelude}
      // 128 KiB of keys and values each.
      const pages = device.pageMemory({ pages: 1 << 14, pageTokens: 16, headDim: 1024, dtype: "f32" });
      await say("reserved");
      const ids = Int32Array.from({ length: 128 }, (_, i) => i);
      for (let i = 0; i < 2; i++) await pages.copyPages(ids, ids.map((id) => id + 1000));
      await say("copied");
      const bytes = new Uint8Array(ids.length * pages.pageBytes);
      await pages.readPages(ids, bytes);
      await say("read");
      for (const first of [1064, 2000]) await pages.writePages(ids.map((id) => id + first), bytes);
      await say("written");
      pages.dispose();
      await say("disposed");
    `);
    expect({ stdout, stderr }).toEqual({
      // From the read on with the 16 MiB of the array itself.
      stdout: "reserved 0\ncopied 16\nread 32\nwritten 56\ndisposed 16\n",
      stderr: "",
    });
  });

  it("comes back from what was forgotten, without a dispose", async () => {
    const { stdout, stderr } = await runScript(`${prelude}
      const forget = async () => {
        const other = openDevice({ backend: "native", cpu: "reference", threads: 1 });
        for (let i = 0; i < 4; i++) other.tensor("f32", [1 << 22], data);
        // Finalisers wait for the event loop's next turn.
        console.log(loadAddon().externalMemory() - before >= 64 * 2 ** 20);
        const pages = other.pageMemory({ pages: 256, pageTokens: 16, headDim: 1024, dtype: "f32" });
        const ids = Int32Array.from({ length: 128 }, (_, i) => i);
        await pages.copyPages(ids, ids.map((id) => id + 128));
      };
      await forget();
      await say("collected");
    `);
    expect({ stdout, stderr }).toEqual({ stdout: "true\ncollected 0\n", stderr: "" });
  });
});
