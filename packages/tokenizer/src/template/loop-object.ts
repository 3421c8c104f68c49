import { TemplateError } from "../errors.ts";
import { Callable, Namespace, orElse, Undefined, type Value } from "./values.ts";

/** The `loop` of a for. */
export function loopObject(items: readonly Value[], index: number): Namespace {
  const { length } = items;
  const values = new Map<string, Value>([
    ["index", index + 1],
    ["index0", index],
    ["revindex", length - index],
    ["revindex0", length - index - 1],
    ["first", index === 0],
    ["last", index === length - 1],
    ["length", length],
    ["depth", 1],
    ["depth0", 0],
    ["previtem", orElse(items[index - 1], new Undefined("there is no previous item, it"))],
    ["nextitem", orElse(items[index + 1], new Undefined("there is no next item, it"))],
  ]);
  values.set(
    "cycle",
    new Callable("cycle", ({ positional }) => {
      if (positional.length === 0) throw new TemplateError("loop.cycle: expected at least one item");
      return positional[index % positional.length]!;
    }),
  );
  return new Namespace(values, false);
}
