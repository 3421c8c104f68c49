// Stands in for vitest in the bundle: its own runner and matchers, without the bundler that an emulated Node cannot
// load.
import { setTimeout as sleep } from "node:timers/promises";
import { GLOBAL_EXPECT, JestAsymmetricMatchers, JestChaiExpect, JestExtend, setState } from "@vitest/expect";
import * as chai from "chai";

export { afterAll, afterEach, beforeAll, beforeEach, describe, it } from "@vitest/runner";

for (const plugin of [JestExtend, JestChaiExpect, JestAsymmetricMatchers]) chai.use(plugin);

export const expect = Object.assign((value, message) => chai.expect(value, message), chai.expect, { poll });
globalThis[GLOBAL_EXPECT] = expect;
setState({ assertionCalls: 0, isExpectingAssertions: false }, expect);

/** Any one matcher, tried for ten seconds. */
function poll(read) {
  const attempt =
    (matcher) =>
    async (...expected) => {
      for (const end = Date.now() + 10_000; ; await sleep(50)) {
        try {
          return expect(await read())[matcher](...expected);
        } catch (error) {
          if (Date.now() > end) throw error;
        }
      }
    };
  return new Proxy({}, { get: (_, matcher) => attempt(matcher) });
}
