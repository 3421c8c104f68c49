import { TemplateError } from "../errors.ts";

const MONTHS = "January February March April May June July August September October November December".split(
  " ",
);
const DAYS = "Sunday Monday Tuesday Wednesday Thursday Friday Saturday".split(" ");

const two = (number: number) => String(number).padStart(2, "0");
const hour12 = (date: Date) => date.getHours() % 12 || 12;

const DIRECTIVES: Readonly<Record<string, (date: Date) => string>> = {
  "%": () => "%",
  Y: (date) => String(date.getFullYear()),
  y: (date) => two(date.getFullYear() % 100),
  m: (date) => two(date.getMonth() + 1),
  "-m": (date) => String(date.getMonth() + 1),
  B: (date) => MONTHS[date.getMonth()]!,
  b: (date) => MONTHS[date.getMonth()]!.slice(0, 3),
  d: (date) => two(date.getDate()),
  "-d": (date) => String(date.getDate()),
  e: (date) => String(date.getDate()).padStart(2, " "),
  A: (date) => DAYS[date.getDay()]!,
  a: (date) => DAYS[date.getDay()]!.slice(0, 3),
  H: (date) => two(date.getHours()),
  I: (date) => two(hour12(date)),
  p: (date) => (date.getHours() < 12 ? "AM" : "PM"),
  M: (date) => two(date.getMinutes()),
  S: (date) => two(date.getSeconds()),
};

/** Python's `strftime` in English and local time. Throws TemplateError for a directive that it does not have. */
export function strftime(date: Date, format: string): string {
  return format.replace(/%(-?.?)/gs, (directive, name: string) => {
    const write = Object.hasOwn(DIRECTIVES, name) ? DIRECTIVES[name] : undefined;
    if (write === undefined) throw new TemplateError(`strftime_now: unknown directive ${directive}`);
    return write(date);
  });
}
