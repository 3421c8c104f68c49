/** Schemas as people write them, and some that are hard. */
export const schemas: Readonly<Record<string, Readonly<Record<string, unknown>> | boolean>> = {
  anything: true,
  "an object": { type: "object" },
  "strings, numbers and arrays": {
    type: "object",
    properties: {
      name: { type: "string" },
      age: { type: "integer", minimum: 0, maximum: 150 },
      tags: { type: "array", items: { type: "string" }, maxItems: 3 },
    },
    required: ["name", "age"],
    additionalProperties: false,
  },
  "optional properties only": {
    type: "object",
    properties: { a: { type: "null" }, b: { type: "boolean" }, c: { const: "c" } },
  },
  "counted properties": {
    type: "object",
    properties: { a: {}, b: {}, c: { type: "integer" }, d: { type: "integer" } },
    required: ["c"],
    minProperties: 2,
    maxProperties: 3,
  },
  "other properties": {
    type: "object",
    properties: {
      a: { type: "integer" },
      ab: { type: "boolean" },
      "": { type: "null" },
      é: { type: "null" },
    },
    additionalProperties: { type: "string" },
    minProperties: 1,
    maxProperties: 4,
  },
  "short strings": { type: "string", minLength: 2, maxLength: 4 },
  "long strings": { type: "string", minLength: 20, maxLength: 30 },
  "strings of one length": {
    type: "array",
    items: { type: "string", minLength: 3, maxLength: 3 },
    minItems: 2,
    maxItems: 2,
  },
  "at least": { type: "string", minLength: 5 },
  tuples: {
    type: "array",
    prefixItems: [{ type: "string" }, { type: "integer" }],
    items: false,
    minItems: 1,
  },
  "tuples that go on": {
    type: "array",
    prefixItems: [{ type: "null" }],
    items: { type: "boolean" },
    minItems: 3,
    maxItems: 5,
  },
  integers: { type: "integer" },
  "an integer range": { type: "integer", minimum: -17, maximum: 123 },
  "negative integers": { type: "integer", exclusiveMaximum: 0 },
  "even integers": { type: "integer", multipleOf: 2, minimum: 7, maximum: 1000 },
  numbers: { type: "number" },
  "a number range": { type: "number", minimum: -0.25, exclusiveMaximum: 12.5 },
  "a narrow range": { type: "number", exclusiveMinimum: 0.1, exclusiveMaximum: 0.11 },
  "small numbers": { type: "number", exclusiveMinimum: 0, maximum: 1e-7 },
  "large numbers": { type: "number", minimum: 123456789 },
  literals: { enum: ["a", "ab", "abc", 1, 12, null, { x: [1, "é"] }, '\u0001"\\', "😀"] },
  "several types": { type: ["string", "null", "integer"], maxLength: 3, minimum: 5 },
  "any of": {
    anyOf: [{ type: "string", maxLength: 2 }, { type: "string", pattern: "^[0-9]{5}$" }, { type: "null" }],
  },
  "one of, by a constant": {
    oneOf: [
      {
        type: "object",
        properties: { kind: { const: "a" }, x: { type: "integer" } },
        required: ["kind", "x"],
      },
      { type: "object", properties: { kind: { const: "b" }, y: { type: "string" } }, required: ["kind"] },
    ],
  },
  "all of": {
    allOf: [
      { type: "object", properties: { a: { type: "integer", minimum: 3 } }, required: ["a"] },
      { properties: { a: { maximum: 5 }, b: { type: "string" } } },
      { $ref: "#/$defs/more" },
    ],
    $defs: { more: { type: "object", properties: { c: { type: "boolean" } }, required: ["c"] } },
  },
  "all of, closed": {
    allOf: [
      { type: "object", properties: { a: { type: "integer" } }, additionalProperties: false },
      { properties: { a: {}, b: { type: "string" } } },
    ],
  },
  "any of beside properties": {
    type: "object",
    properties: { a: { type: "integer" }, b: { type: "integer" } },
    anyOf: [{ required: ["a"] }, { required: ["b"] }],
  },
  "a tree": {
    type: "object",
    properties: { value: { type: "integer" }, children: { type: "array", items: { $ref: "#" } } },
    required: ["value"],
  },
  "a list": {
    $ref: "#/$defs/node",
    $defs: {
      node: {
        type: "object",
        properties: { next: { anyOf: [{ $ref: "#/$defs/node" }, { type: "null" }] } },
        required: ["next"],
      },
    },
  },
  "references with siblings": {
    type: "object",
    properties: {
      a: { $ref: "#/$defs/n", maximum: 9, description: "small" },
      b: { $ref: "#/$defs/n", title: "b" },
    },
    required: ["a", "b"],
    $defs: { n: { type: "integer", minimum: 7 } },
  },
  "references and recursion, merged": {
    type: "object",
    properties: { a: { allOf: [{ $ref: "#" }, { required: ["b"] }] }, b: { type: "integer" } },
  },
  patterns: {
    type: "object",
    properties: {
      whole: { type: "string", pattern: "^[A-Z]{2}-\\d{3}$" },
      either: { type: "string", pattern: "^a|[x-z]$" },
      quoted: { type: "string", pattern: '^["\\\\\\n]+$' },
      others: { type: "string", pattern: "^[^a-z]{1,5}$" },
      beyond: { type: "string", pattern: "^[\\u{1F600}-\\u{1F64F}é]{1,3}$" },
      counted: { type: "string", pattern: "^(ab|c)*$", minLength: 3, maxLength: 6 },
      spaces: { type: "string", pattern: "^\\s\\S\\w\\W\\D.$" },
    },
    required: ["whole", "either", "quoted", "others", "beyond", "counted", "spaces"],
  },
  "a pattern within": { type: "string", pattern: "[0-9]" },
  formats: {
    type: "object",
    properties: Object.fromEntries(
      ["date", "time", "date-time", "duration", "uuid", "ipv4", "ipv6", "hostname", "email", "uri"].map(
        (format) => [format, { type: "string", format }],
      ),
    ),
    required: ["date", "time", "date-time", "duration", "uuid", "ipv4", "ipv6", "hostname", "email", "uri"],
  },
  "names like those of every object": {
    type: "object",
    properties: JSON.parse(
      '{"constructor":{"type":"integer"},"__proto__":{"type":"null"},"toString":{"const":1}}',
    ),
    required: ["constructor", "__proto__", "toString", "valueOf"],
  },
  "a dead branch": {
    type: "object",
    properties: { a: false, b: { anyOf: [false, { type: "null" }] }, c: { $ref: "#/$defs/endless" } },
    additionalProperties: false,
    $defs: {
      endless: { type: "object", properties: { again: { $ref: "#/$defs/endless" } }, required: ["again"] },
    },
  },
};
