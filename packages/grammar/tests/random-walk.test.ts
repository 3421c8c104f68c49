import { Ajv2020 } from "ajv/dist/2020.js";
import addFormats from "ajv-formats";
import { beforeAll, describe, expect, it } from "vitest";
import { randomFrom, Walker } from "./random-walk.ts";
import { schemas } from "./schemas.ts";
import { byteVocabulary, tinyVocabulary } from "./test-vocabulary.ts";

const ajv = addFormats.default(new Ajv2020({ strict: false, ownProperties: true }));
const decoder = new TextDecoder("utf-8", { fatal: true });

const walkers: Record<string, Walker> = {};
beforeAll(async () => {
  walkers.bytes = await Walker.of(byteVocabulary());
  walkers.tiny = await Walker.of(await tinyVocabulary());
});

describe.each(["bytes", "tiny"])("a text of random tokens (%s) that masks allow", (name) => {
  it.each(Object.keys(schemas))("is valid: %s", (title) => {
    const schema = schemas[title]!;
    const validate = ajv.compile(schema);
    const start = walkers[name]!.compiled({ type: "json-schema", schema });
    let ended = 0;
    for (let seed = 0; seed < 40; seed++) {
      const bytes = walkers[name]!.text(start(), randomFrom(seed));
      if (bytes === undefined) continue;
      ended++;
      const text = decoder.decode(bytes);
      expect(validate(JSON.parse(text)), `${text} ${ajv.errorsText(validate.errors)}`).toBe(true);
    }
    expect(ended).toBeGreaterThan(0);
  });

  it("is an object where any object will do", () => {
    const start = walkers[name]!.compiled({ type: "json-object" });
    for (let seed = 0; seed < 60; seed++) {
      const bytes = walkers[name]!.text(start(), randomFrom(seed));
      if (bytes !== undefined) expect(JSON.parse(decoder.decode(bytes))).toBeTypeOf("object");
    }
  });
});
