import type { Meter } from "./meter.ts";
import type { Arguments, Value } from "./values.ts";

/** What a filter may use of the rendering that it is part of. */
export interface FilterContext {
  meter: Meter;
  /** Applies another filter by name. */
  filter(name: string, value: Value, args: Arguments): Value;
}

export type Filter = (value: Value, args: Arguments, context: FilterContext) => Value;
