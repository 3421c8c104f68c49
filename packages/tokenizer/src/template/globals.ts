import { TemplateError, TemplateLimitError } from "../errors.ts";
import type { Meter } from "./meter.ts";
import { Scope } from "./scope.ts";
import { strftime } from "./strftime.ts";
import { toText } from "./text.ts";
import {
  type Arguments,
  asKey,
  bind,
  Callable,
  intArgument,
  isDict,
  itemsOf,
  type Key,
  Namespace,
  textArgument,
  type Value,
} from "./values.ts";

/** Longest list that `range` makes, which is the limit of Jinja2's sandbox as well. */
const LONGEST_RANGE = 100_000;

/** The functions that Hugging Face's environment has. */
export function globalScope(meter: Meter, now: () => Date): Scope {
  const scope = new Scope();
  const define = (name: string, call: (args: Arguments) => Value) =>
    scope.set(name, new Callable(name, call));
  define("raise_exception", (args) => {
    throw new TemplateError(toText(bind("raise_exception", args, ["message"])[0] ?? "", meter));
  });
  define("strftime_now", (args) =>
    strftime(now(), textArgument("strftime_now", bind("strftime_now", args, ["format"])[0])),
  );
  define("range", (args) => range(args, meter));
  define("namespace", (args) => {
    return new Namespace(new Map([...entries(args, meter)].map(([key, value]) => [String(key), value])));
  });
  define("dict", (args) => entries(args, meter));
  return scope;
}

function range(args: Arguments, meter: Meter): Value {
  const [first, second, third] = bind("range", args, ["start", "stop", "step"]);
  const start = second === undefined ? 0 : intArgument("range", first, 0);
  const stop = intArgument("range", second ?? first, 0);
  const step = intArgument("range", third, 1);
  if (step === 0) throw new TemplateError("range: step must not be zero");
  const length = Math.max(0, Math.ceil((stop - start) / step));
  if (length > LONGEST_RANGE)
    throw new TemplateLimitError("steps", meter.limits.steps, `range of ${length} items`);
  meter.step(length);
  return Array.from({ length }, (_, i) => start + i * step);
}

/** The entries of `dict(...)` and `namespace(...)`: a dict or pairs first, then named ones. */
function entries({ positional, named }: Arguments, meter: Meter): Map<Key, Value> {
  if (positional.length > 1)
    throw new TemplateError(`expected at most 1 argument, received ${positional.length}`);
  const [source] = positional;
  const made = new Map<Key, Value>();
  if (source !== undefined && isDict(source)) {
    meter.step(source.size);
    for (const [key, value] of source) made.set(key, value);
  } else if (source !== undefined) {
    for (const pair of itemsOf(source, meter)) {
      const [key, value, more] = itemsOf(pair, meter);
      if (key === undefined || value === undefined || more !== undefined)
        throw new TemplateError("expected pairs");
      made.set(asKey(key), value);
    }
  }
  for (const [key, value] of named) made.set(key, value);
  return made;
}
