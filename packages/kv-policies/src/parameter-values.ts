import { MOST_NUMBERS, type PolicyParameter } from "./options.ts";

/** Whether a value from outside is one that the parameter can have. */
export function parameterAccepts(parameter: PolicyParameter, value: unknown): boolean {
  const inRange = (number: unknown, { minimum, maximum }: { minimum: number; maximum: number }) =>
    typeof number === "number" && number >= minimum && number <= maximum;
  switch (parameter.type) {
    case "boolean":
      return typeof value === "boolean";
    case "choice":
      return typeof value === "string" && parameter.values.includes(value);
    case "numbers":
      return (
        Array.isArray(value) &&
        value.length <= MOST_NUMBERS &&
        value.every((number) => inRange(number, parameter))
      );
    case "integer":
      return Number.isInteger(value) && inRange(value, parameter);
    case "number":
      return inRange(value, parameter);
  }
}

/** What a parameter can be, in words that follow "expected". */
export function parameterRange(parameter: PolicyParameter): string {
  switch (parameter.type) {
    case "boolean":
      return "true or false";
    case "choice":
      return `one of ${parameter.values.join(", ")}`;
    case "numbers":
      return `a list of at most ${MOST_NUMBERS} numbers in ${parameter.minimum}..${parameter.maximum}`;
    case "integer":
      return `a whole number in ${parameter.minimum}..${parameter.maximum}`;
    case "number":
      return `a number in ${parameter.minimum}..${parameter.maximum}`;
  }
}
