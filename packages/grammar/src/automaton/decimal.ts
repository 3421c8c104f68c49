/** A magnitude in decimal digits: 12.05 is { whole: "12", fraction: "05" }. Neither has zeros to spare; 0 is "0" and "". */
export interface Decimal {
  readonly whole: string;
  readonly fraction: string;
}

/** The shortest decimal that reads as |value|, finite, without an exponent. */
export function decimalOf(value: number): Decimal {
  const [mantissa = "", exponent = "0"] = Math.abs(value).toString().split("e");
  const [before = "", after = ""] = mantissa.split(".");
  const shift = Number(exponent);
  const digits = before + after;
  const point = before.length + shift;
  const whole = point <= 0 ? "" : digits.slice(0, point).padEnd(point, "0");
  const fraction = point >= 0 ? digits.slice(point) : "0".repeat(-point) + digits;
  return { whole: whole.replace(/^0+/, "") || "0", fraction: fraction.replace(/0+$/, "") };
}
