import { AutomatonBuilder } from "./automaton-builder.ts";
import type { ByteAutomaton } from "./byte-automaton.ts";
import { type Decimal, decimalOf } from "./decimal.ts";
import type { WorkLimit } from "./work-limit.ts";

/** What a number must be; the bounds are finite. */
export interface NumberBounds {
  readonly min?: Bound;
  readonly max?: Bound;
  readonly integer: boolean;
  /** A positive integer; with it every number is an integer. */
  readonly multipleOf?: number;
}

export interface Bound {
  readonly value: number;
  /** Whether the bound itself is excluded. */
  readonly exclusive: boolean;
}

/** Digits that are written at most: doubles tell decimals of so many apart, so none is rounded to a bound. */
const DIGITS = 15;
const LARGEST: Bound = { value: 10 ** DIGITS - 1, exclusive: false };

/**
 * The numbers within bounds, as JSON spells them, of up to 15 digits. Only without bounds there may be an exponent,
 * of up to two digits. Undefined where no such number exists.
 */
export function numberAutomaton(
  work: WorkLimit,
  path: string,
  bounds: NumberBounds,
): ByteAutomaton | undefined {
  const builder = new AutomatonBuilder(work, path);
  const start = builder.state();
  const { min, max } = bounds;
  const zero: Bound = { value: 0, exclusive: false };
  const atLeast = min !== undefined && min.value >= 0 ? min : zero;
  if (max === undefined || max.value >= 0) magnitude(builder, start, atLeast, smaller(max, LARGEST), bounds);
  if (min === undefined || min.value < 0) {
    const negative = builder.state();
    builder.bytes(start, 0x2d, 0x2d, negative);
    // Not -0: it is not below a bound of 0.
    const above = max !== undefined && max.value < 0 ? negated(max) : { value: 0, exclusive: true };
    const below = min === undefined ? LARGEST : smaller(negated(min), LARGEST);
    magnitude(builder, negative, above, below, bounds);
  }
  return builder.finish(start);
}

/** Digits whose value lies between the bounds, read from the left, with what they still have to keep to. */
function magnitude(
  builder: AutomatonBuilder,
  from: number,
  min: Bound,
  max: Bound,
  bounds: NumberBounds,
): void {
  const low = decimalOf(min.value);
  const high = decimalOf(max.value);
  const modulus = bounds.multipleOf ?? 1;
  const fractions = !bounds.integer && bounds.multipleOf === undefined;
  const free = bounds.min === undefined && bounds.max === undefined && fractions;
  const states = new Map<string, number>();
  const open: Place[] = [];
  const enter = (place: Place): number => {
    const key = [place.length, place.digits, place.low, place.high, place.remainder, place.point].join();
    const known = states.get(key);
    if (known !== undefined) return known;
    states.set(key, builder.state());
    open.push(place);
    return states.get(key)!;
  };
  const begin = (place: Place, at: number): void => {
    const lowest = place.digits === 0 && place.length > 1 ? 1 : 0;
    for (let digit = lowest; digit <= 9; digit++) {
      const next = after(place, digit, low, high, modulus);
      if (next !== undefined) builder.bytes(at, 0x30 + digit, 0x30 + digit, enter(next));
    }
  };
  for (let length = low.whole.length; length <= Math.min(high.whole.length, DIGITS); length++) {
    const tight = { low: length === low.whole.length, high: length === high.whole.length };
    begin({ length, digits: 0, point: false, remainder: 0, ...tight }, from);
  }
  const exponent = free ? exponentPart(builder) : undefined;
  for (let place = open.pop(); place !== undefined; place = open.pop()) {
    const state = enter(place);
    if (place.digits < place.length) begin(place, state);
    if (place.digits < place.length) continue;
    if (place.remainder === 0 && fits(place, { low, high, min, max })) builder.accept(state);
    if (exponent !== undefined) for (const e of [0x45, 0x65]) builder.bytes(state, e, e, exponent);
    if (!fractions || place.digits === DIGITS) continue;
    if (!place.point) {
      const point = builder.state();
      builder.bytes(state, 0x2e, 0x2e, point);
      begin({ ...place, point: true }, point);
    } else begin(place, state);
  }
}

/** Where reading a number is: `digits` have been read, of which `length` stand before the point. */
interface Place {
  readonly length: number;
  readonly digits: number;
  readonly point: boolean;
  /** The digits so far are those of the lower, of the upper bound. */
  readonly low: boolean;
  readonly high: boolean;
  readonly remainder: number;
}

function after(place: Place, digit: number, low: Decimal, high: Decimal, modulus: number): Place | undefined {
  const least = place.low ? digitAt(low, place) : 0;
  const most = place.high ? digitAt(high, place) : 9;
  if (digit < least || digit > most) return undefined;
  return {
    ...place,
    digits: place.digits + 1,
    low: place.low && digit === least,
    high: place.high && digit === most,
    remainder: (place.remainder * 10 + digit) % modulus,
  };
}

function digitAt(bound: Decimal, { digits, length, point }: Place): number {
  return Number((point ? bound.fraction[digits - length] : bound.whole[digits]) ?? "0");
}

/** Whether the number may end here: where it is still level with a bound, what is left of the bound decides. */
function fits(
  place: Place,
  { low, high, min, max }: { low: Decimal; high: Decimal; min: Bound; max: Bound },
): boolean {
  const left = (bound: Decimal) => bound.fraction.length > place.digits - place.length;
  if (place.low && (left(low) || min.exclusive)) return false;
  return !(place.high && !left(high) && max.exclusive);
}

/** What may follow the `e` of an exponent. */
function exponentPart(builder: AutomatonBuilder): number {
  const [start, sign, one, two] = [builder.state(), builder.state(), builder.state(), builder.state()];
  for (const character of [0x2b, 0x2d]) builder.bytes(start, character, character, sign);
  for (const state of [start, sign]) builder.bytes(state, 0x30, 0x39, one);
  builder.bytes(one, 0x30, 0x39, two);
  builder.accept(one);
  builder.accept(two);
  return start;
}

function negated({ value, exclusive }: Bound): Bound {
  return { value: -value, exclusive };
}

function smaller(a: Bound | undefined, b: Bound): Bound {
  return a === undefined || a.value > b.value ? b : a;
}
