import { expect, test } from "vitest";
import { element } from "./markup.ts";

test("text and attributes are escaped, elements are not, numbers are short", () => {
  const inner = element("b", { title: `"<&>'` }, "a < b & c");
  expect(element("p", { x: 1 / 3 }, [inner, 2.5], "").text).toBe(
    '<p x="0.33"><b title="&quot;&lt;&amp;&gt;&#39;">a &lt; b &amp; c</b>2.5</p>',
  );
});

test("an empty element closes itself, unless HTML reads that otherwise", () => {
  expect(element("line", { y: 0 }).text).toBe('<line y="0"/>');
  expect(element("td").text).toBe("<td></td>");
});
