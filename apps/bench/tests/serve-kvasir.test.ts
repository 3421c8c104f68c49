import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { findPeer } from "../src/compare/find-peer.ts";
import type { ServerComparison } from "../src/serve/compare/server-comparison.ts";
import type { LoadReport } from "../src/serve/report/load-report.ts";
import { KvasirProcess } from "./kvasir-process.ts";

const cli = fileURLToPath(new URL("../dist/cli.js", import.meta.url));

describe.skipIf(!KvasirProcess.built || !existsSync(cli))(
  "against kvasir-server (needs npm run build)",
  () => {
    let server: KvasirProcess;
    let url: string;
    let folder: string;

    beforeAll(async () => {
      folder = await mkdtemp(path.join(tmpdir(), "kvasir-bench-"));
      server = await KvasirProcess.start();
      url = server.url;
    });
    afterAll(async () => {
      await server[Symbol.asyncDispose]();
      await rm(folder, { recursive: true, force: true });
    });

    const run = async (...flags: string[]): Promise<LoadReport> => {
      const { stdout } = await promisify(execFile)(
        process.execPath,
        [cli, "serve", "--url", url, "--json", ...flags],
        {
          maxBuffer: 2 ** 26,
        },
      );
      return JSON.parse(stdout);
    };
    const short = ["--prompt-tokens", "10-40", "--output-tokens", "4-12", "--ignore-eos", "--warm-up", "2"];

    test("a greedy load is answered as alone, to the token", async () => {
      const report = await run(...short, "--clients", "6", "--requests", "24", "--greedy", "--check", "12");
      expect(report.requests).toMatchObject({ sent: 24, completed: 24, failed: 0, warmUp: 2 });
      expect(report.check).toEqual({ compared: 12, differences: [] });
      expect(report.server).toMatchObject({ model: "tiny", listed: { owned_by: "kvasir" } });
      expect(report.violations).toEqual([]);
      expect(report.tokens.output).toBeGreaterThanOrEqual(24 * 4);
      expect(report.tokens.countedByEvents).toBe(0);
    });

    test("an unruly open load leaves nothing but answers and refusals", async () => {
      const report = await run(
        ...short,
        ...[
          "--rate",
          "40",
          "--requests",
          "50",
          "--endpoint",
          "chat",
          "--turns",
          "2",
          "--prefix-tokens",
          "40",
        ],
        ...["--mix", "random=0.4,shared-prefix=0.3,multi-turn=0.3", "--cancel-share", "0.15"],
        ...["--malformed-share", "0.15", "--oversized-share", "0.05"],
      );
      const { sent, completed, cancelled, refused, failed, dropped } = report.requests;
      expect(sent).toBe(50);
      expect(completed + cancelled + refused).toBe(50);
      expect([failed, dropped, report.errors, report.violations]).toEqual([0, 0, [], []]);
      expect(refused).toBeGreaterThan(0);
    });

    test("ids are as many as were asked for, and bodies of a file are asked as they are", async () => {
      const exact = await run(
        "--ids",
        "400",
        "--prompt-tokens",
        "23",
        "--requests",
        "4",
        "--no-stream",
        "--warm-up",
        "0",
      );
      expect(exact.tokens.prompt).toBe(4 * 23);
      const file = path.join(folder, "bodies.jsonl");
      await writeFile(file, '{"prompt": "One", "max_tokens": 3, "temperature": 0, "ignore_eos": true}\n');
      const asked = await run(
        "--workload",
        "file",
        "--file",
        file,
        "--requests",
        "3",
        "--warm-up",
        "0",
        "--check",
        "3",
      );
      expect(asked.tokens.output).toBe(9);
      expect(asked.check).toEqual({ compared: 3, differences: [] });
    });

    test("writes a report with charts, prints a table, and does not keep the key", async () => {
      const html = path.join(folder, "report.html");
      const { stdout } = await promisify(execFile)(process.execPath, [
        ...[cli, "serve", "--url", url, "--requests", "6", ...short, "--html", html],
        ...["--api-key", "of-mine", "--slo", "ttft=60000,itl=60000"],
      ]);
      expect(stdout).toMatch(/^TTFT +[\d.]+ /m);
      expect(stdout).toMatch(/^goodput: .* 100\.0 % within ttft 60000 ms, itl 60000 ms$/m);
      const page = await readFile(html, "utf8");
      expect(page.match(/<svg/g)).toHaveLength(7);
      expect(page).not.toContain("of-mine");
      expect(page).not.toContain("NaN");
    });

    test.each([
      [["--clients", "3", "--rate", "3"], /--rate.*cannot be used with.*--clients/],
      [["--cold", "--warm"], /cold: expected one of/],
      [["--slo", "speed=3"], /--slo.*ttft, itl, tpot, e2e/],
      [["--mix", "chatty=1"], /--mix.*random/],
      [["--prompt-tokens", "9-5"], /--prompt-tokens/],
      [["--model", "other", "--requests", "1"], /a short request alone is refused with 404, model_not_found/],
    ])("%j exits with 1 and says why", async (flags, message) => {
      await expect(run(...flags)).rejects.toMatchObject({ code: 1, stderr: expect.stringMatching(message) });
    });
  },
);

const peer = await findPeer(process.env.KVASIR_PEER_PATH).catch(() => undefined);

test.skipIf(!peer || !KvasirProcess.built)(
  "node-llama-cpp gets the same load in turns (skipped where neither KVASIR_PEER_PATH nor the working directory has it)",
  async () => {
    const folder = await mkdtemp(path.join(tmpdir(), "kvasir-bench-"));
    const model = path.join(folder, "tiny.gguf");
    const command = (...args: string[]) => promisify(execFile)(process.execPath, [cli, ...args]);
    try {
      await command("synthesize", "--shape", "tiny", "--weights", "q8_0", "--out", model);
      await using server = await KvasirProcess.start("--model", model);
      const { stdout } = await command(
        ...[
          "serve",
          "--url",
          server.url,
          "--peer",
          model,
          "--peer-path",
          peer!,
          "--peer-threads",
          "1",
          "--json",
        ],
        ...[
          "--requests",
          "6",
          "--clients",
          "2",
          "--warm-up",
          "1",
          "--repetitions",
          "2",
          "--greedy",
          "--ignore-eos",
        ],
        ...["--prompt-tokens", "12", "--output-tokens", "4"],
      );
      const { rows, servers, violations }: ServerComparison = JSON.parse(stdout);
      expect(servers.map(({ listed }) => listed)).toEqual([
        expect.objectContaining({ owned_by: "kvasir" }),
        expect.objectContaining({ owned_by: "node-llama-cpp" }),
      ]);
      expect(rows.map(({ label }) => label)).toContain("end to end p99");
      expect(violations).toEqual([]);
    } finally {
      await rm(folder, { recursive: true });
    }
  },
  180_000,
);
