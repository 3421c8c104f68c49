import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { blockFormat, type QuantDType } from "../dtype.ts";
import { dequantizeRows } from "./dequantize-rows.ts";
import { halfBits, valueOfHalf } from "./half.ts";

const recorded = (name: string) => readFileSync(new URL(`../../tests/quant/${name}`, import.meta.url));
const dtypes = Object.keys(blockFormat).filter((dtype) => dtype.startsWith("q")) as QuantDType[];

describe("dequantizeRows", () => {
  it.each(dtypes)("gives the values recorded for %s, bit by bit", (dtype) => {
    const name = dtype.toUpperCase();
    const values = dequantizeRows(dtype, recorded(`${name}.bin`));
    expect(values).toHaveLength(2048);
    expect(recorded(`${name}.f32`).equals(Buffer.from(values.buffer))).toBe(true);
  });

  it("refuses half a block and formats that it does not know", () => {
    const refused = expect.objectContaining({ name: "KernelError", code: "invalid-argument" });
    for (const dtype of dtypes) {
      expect(() => dequantizeRows(dtype, new Uint8Array(blockFormat[dtype].bytes + 1))).toThrow(refused);
      expect(dequantizeRows(dtype, new Uint8Array(0))).toHaveLength(0);
    }
    expect(() => dequantizeRows("f16" as QuantDType, new Uint8Array(2))).toThrow(refused);
    expect(() => dequantizeRows("__proto__" as QuantDType, new Uint8Array(2))).toThrow(refused);
  });
});

describe("binary16", () => {
  it("comes back from its value, and takes what is halfway to the even neighbour", () => {
    for (let bits = 0; bits < 0x7c00; bits++) {
      const [value, next] = [valueOfHalf(bits), bits === 0x7bff ? 65536 : valueOfHalf(bits + 1)];
      const even = bits % 2 === 0 ? bits : bits + 1;
      const halfway = (value + next) / 2;
      const found = [halfBits(value), halfBits(-value), halfBits(halfway)];
      const below = halfBits(halfway * (1 - 2 ** -23));
      if (found[0] !== bits || found[1] !== (bits | 0x8000) || found[2] !== even || below !== bits) {
        expect.fail(
          `0x${bits.toString(16)} gives ${found.map((x) => x.toString(16))}, ${below.toString(16)}`,
        );
      }
    }
    expect([Infinity, -Infinity, Number.NaN].map(halfBits)).toEqual([0x7c00, 0xfc00, 0x7e00]);
    expect([0x7c00, 0xfc00].map(valueOfHalf)).toEqual([Infinity, -Infinity]);
    expect(valueOfHalf(0x7e01)).toBeNaN();
  });
});
