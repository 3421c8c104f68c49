import { expect, it } from "vitest";
import { TextOffsets } from "./token-text.ts";

it("offsets count what the text has: no special token, and a character once, where it starts", () => {
  const offsets = new TextOffsets();
  const token = (text: string, special = false) => ({ bytes: Buffer.from(text), special });
  const llama = Buffer.from("🦙");
  const parts = [llama.subarray(0, 2), llama.subarray(2)].map((bytes) => ({ bytes, special: false }));
  const tokens = [token("Hi"), token("<|eos|>", true), token(" you"), ...parts, token("!")];
  expect(tokens.map((each) => offsets.next(each))).toEqual([0, 2, 2, 6, 6, 8]);
});
