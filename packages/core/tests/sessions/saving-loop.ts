import { namespaceText } from "../../src/session/prefix-namespace.ts";
import { writeSessionFile } from "../../src/session/write-session-file.ts";
import { alice, format } from "./small-format.ts";

/** Saves to the given file again and again, each time with another number in every token and page, until it is killed. */
const [, , path = "", pageBytes, blockCount] = process.argv;
const blocks = Array.from({ length: Number(blockCount) }, (_, i) => Int32Array.of(2 * i, 2 * i + 1));
for (let round = 0; ; round = (round + 1) % format.vocabSize) {
  const tokens = new Int32Array(blocks.length * format.pageTokens).fill(round);
  await writeSessionFile(path, {
    kind: "session",
    format: { ...format, pageBytes: Number(pageBytes) },
    prefixes: [{ namespace: namespaceText(alice), commonTokens: 0, tokens, blocks }],
    memory: { readPages: async (_, out) => void out.fill(round) },
  });
  process.stdout.write(".");
}
