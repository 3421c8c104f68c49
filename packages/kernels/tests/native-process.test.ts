import { describe, expect, it } from "vitest";
import { runScript } from "./child-script.ts";
import { needsNative, noNative } from "./native-availability.ts";

const open = `
  import { openDevice } from "../src/open-device.ts";
  import { loadAddon } from "../src/native/load-addon.ts";
  import { compileLong, compileTiny, longPrompt, promptStep, tinyPages } from "../tests/test-programs.ts";
  const open = () => openDevice({ backend: "native", cpu: "reference", threads: 1 });
`;
const fine = { code: 0, signal: null, stderr: "" };

describe.skipIf(noNative)(needsNative("a process with a native device"), () => {
  it("exits by itself with a live device and everything on it", async () => {
    const ended = await runScript(`${open}
      const device = open();
      const executable = compileTiny(device);
      const pages = tinyPages(device);
      await executable.run(pages, promptStep([0]));
      globalThis.kept = [device, executable, pages];
      console.log("end");
    `);
    expect(ended).toEqual({ ...fine, stdout: "end\n" });
  });

  it("stays while a step is under way, though nothing else keeps it", async () => {
    const ended = await runScript(`${open}
      const device = open();
      compileLong(device).run(tinyPages(device), longPrompt).then(() => console.log("settled"));
      console.log("submitted");
    `);
    expect(ended).toEqual({ ...fine, stdout: "submitted\nsettled\n" });
  });

  it("can be ended in the middle of a step", async () => {
    const ended = await runScript(`${open}
      const device = open();
      const executable = compileLong(device);
      for (let i = 0; i < 3; i++) void executable.run(tinyPages(device), longPrompt);
      setImmediate(() => process.exit(7));
    `);
    expect(ended).toEqual({ ...fine, code: 7, stdout: "" });
  });

  it("outlives workers that are terminated in the middle of their steps", async () => {
    const ended = await runScript(`${open}
      import { isMainThread, parentPort, Worker } from "node:worker_threads";
      if (isMainThread) {
        const device = open();
        for (let i = 0; i < 2; i++) {
          const worker = new Worker(new URL(import.meta.url));
          await new Promise((resolve) => worker.once("message", resolve));
          console.log("code", await worker.terminate());
        }
        const { logits } = await compileTiny(device).run(tinyPages(device), promptStep([2]));
        console.log(Array.from(logits).join());
      } else {
        const device = open();
        const executable = compileLong(device);
        const pages = tinyPages(device);
        for (let i = 0; i < 2; i++) executable.run(pages, longPrompt).then(() => console.log("too late"));
        const slots = [{ pages: Int32Array.of(0), slots: 16 }];
        void pages.readSlots("keys", slots);
        void executable.run(pages, { ...promptStep([1]), outputs: Int32Array.of(0) });
        void device.pack(device.tensor("f32", [512, 256], new Float32Array(512 * 256)), "q4_k");
        device.dispose();
        parentPort.postMessage("running");
        setInterval(() => {}, 1000);
      }
    `);
    expect(ended).toEqual({ ...fine, stdout: `${"code 1\n".repeat(2)}0,2,4\n` });
  });

  it("does not wait for the thread pool, nor the thread pool for it", async () => {
    const ended = await runScript(
      `${open}
      import { pbkdf2 } from "node:crypto";
      import { readFile } from "node:fs";
      import { fileURLToPath } from "node:url";
      const device = open();
      const pages = tinyPages(device);
      const tiny = compileTiny(device);
      const long = compileLong(device);
      await tiny.run(pages, promptStep([0]));
      await new Promise((resolve) => {
        pbkdf2("password", "salt", 1_000_000, 64, "sha512", () => { console.log("pool"); resolve(); });
        tiny.run(pages, promptStep([0])).then(() => console.log("step beside a full pool"));
      });
      await new Promise((resolve) => {
        long.run(pages, longPrompt).then(() => { console.log("long step"); resolve(); });
        readFile(fileURLToPath(import.meta.url), () => console.log("file beside a step"));
      });
    `,
      { UV_THREADPOOL_SIZE: "1" },
    );
    expect(ended).toEqual({
      ...fine,
      stdout: "step beside a full pool\npool\nfile beside a step\nlong step\n",
    });
  });
});
