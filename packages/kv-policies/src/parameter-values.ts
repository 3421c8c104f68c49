import { MOST_NUMBERS, type PolicyParameter } from "./options.ts";

/** What is wrong with a parameter's declaration itself, in words that follow its name, or nothing. */
export function parameterFault(parameter: PolicyParameter): string | undefined {
  if (typeof parameter !== "object" || parameter === null) return "expected an object with a type";
  if (!types.includes(parameter.type)) return `type: expected one of ${types.join(", ")}`;
  if (parameter.type === "choice") {
    const { values } = parameter;
    const isList = Array.isArray(values) && values.every((value) => typeof value === "string");
    if (!isList || values.length === 0) return "values: expected a list of strings";
  } else if (parameter.type !== "boolean") {
    const { minimum, maximum } = parameter;
    if (!(typeof minimum === "number" && typeof maximum === "number" && minimum <= maximum))
      return "minimum, maximum: expected numbers, the second not below the first";
  }
  if (typeof parameter.description !== "string") return "description: expected a string";
  return parameterAccepts(parameter, parameter.default)
    ? undefined
    : `default: expected ${parameterRange(parameter)}`;
}

const types: readonly string[] = ["integer", "number", "boolean", "choice", "numbers"];

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
