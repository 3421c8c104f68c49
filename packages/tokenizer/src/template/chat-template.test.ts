import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { TemplateError, TemplateLimitError, TokenizerError, TokenizerOptionError } from "../errors.ts";
import { ChatTemplate } from "./chat-template.ts";

const render = (source: string, extra?: Record<string, unknown>) => {
  return new ChatTemplate(source).render({ messages: [{ role: "user", content: "Hi" }], extra });
};

describe("ChatTemplate", () => {
  it("passes messages, tools, the generation flag, tokens and extra variables", () => {
    const source =
      "{{ bos_token }}{{ messages[0].content }}{{ tools[0].name }}{{ add_generation_prompt }}{{ x }}{{ eos_token }}";
    const template = new ChatTemplate(source, { bosToken: "<s>", eosToken: "</s>" });
    const text = template.render({
      messages: [{ content: "Hi" }],
      tools: [{ name: "f" }],
      addGenerationPrompt: true,
      extra: { x: 1 },
    });
    expect(text).toBe("<s>HifTrue1</s>");
  });

  it("uses the template for tools where there are tools", () => {
    const template = new ChatTemplate("plain", { toolSource: "with tools" });
    expect([template.render({ messages: [] }), template.render({ messages: [], tools: [{}] })]).toEqual([
      "plain",
      "with tools",
    ]);
  });

  it("gives the template's own message where it refuses", () => {
    expect(() => render("{{ raise_exception('no system role') }}")).toThrow(
      new TemplateError("no system role"),
    );
  });

  it("renders twice the same, nothing kept in between", () => {
    const template = new ChatTemplate("{% set ns = namespace(n=0) %}{% set ns.n = ns.n + 1 %}{{ ns.n }}");
    expect([template.render({ messages: [] }), template.render({ messages: [] })]).toEqual(["1", "1"]);
  });

  it("does not reach the host's objects", () => {
    for (const name of ["constructor", "__proto__", "toString", "prototype"]) {
      expect(render(`{{ messages.${name} }}{{ messages[0]['${name}'] }}{{ 'a'.${name} }}{{ ${name} }}`)).toBe(
        "",
      );
    }
  });

  it("refuses reserved names and values that are not data", () => {
    expect(() => render("", { messages: [] })).toThrow(TokenizerOptionError);
    expect(() => render("", { f: () => 1 })).toThrow(TemplateError);
    expect(() => new ChatTemplate("", { limits: { steps: 0 } })).toThrow(TokenizerOptionError);
  });

  it("names what is wrong with the source", () => {
    for (const source of ["{% if x %}", "{{ x", "{% nope %}", "{{ 1 + }}", "{% endif %}"]) {
      expect(() => new ChatTemplate(source)).toThrow(TemplateError);
    }
  });
});

describe("limits hold against hostile templates", () => {
  const many = "range(100000)";
  it.each([
    ["a long range", "{{ range(10 ** 9) }}"],
    ["nested loops", `{% for a in ${many} %}{% for b in ${many} %}{% endfor %}{% endfor %}`],
    ["text multiplied", "{{ 'a' * 10 ** 9 }}"],
    ["a list multiplied", "{{ [1] * 10 ** 9 }}"],
    [
      "text doubled",
      `{% set ns = namespace(s='a') %}{% for i in ${many} %}{% set ns.s = ns.s + ns.s %}{% endfor %}`,
    ],
    [
      "text doubled by ~",
      `{% set ns = namespace(s='a') %}{% for i in ${many} %}{% set ns.s = ns.s ~ ns.s %}{% endfor %}`,
    ],
    [
      "lists doubled",
      `{% set ns = namespace(s=[1]) %}{% for i in ${many} %}{% set ns.s = ns.s + ns.s %}{% endfor %}`,
    ],
    [
      "shared lists printed",
      `{% set ns = namespace(s=[1]) %}{% for i in range(60) %}{% set ns.s = [ns.s, ns.s] %}{% endfor %}{{ ns.s }}`,
    ],
    [
      "shared lists as JSON",
      `{% set ns = namespace(s=[1]) %}{% for i in range(60) %}{% set ns.s = [ns.s, ns.s] %}{% endfor %}{{ ns.s|tojson }}`,
    ],
    [
      "shared lists compared",
      `{% set ns = namespace(s=[1], t=[1]) %}{% for i in range(60) %}{% set ns.s = [ns.s, ns.s] %}{% set ns.t = [ns.t, ns.t] %}{% endfor %}{{ ns.s == ns.t }}`,
    ],
    ["a namespace in itself", "{% set ns = namespace() %}{% set ns.x = ns %}{{ ns }}"],
    [
      "joins of joins",
      `{% set ns = namespace(s='ab') %}{% for i in range(60) %}{% set ns.s = [ns.s, ns.s, ns.s]|join(ns.s) %}{% endfor %}`,
    ],
    ["a wide join", `{{ ${many}|join('a' * 100000) }}`],
    ["a wide indent", "{{ ('a\\n' * 100000)|indent(100000) }}"],
    ["wide JSON", "{{ [1]|tojson(indent=10 ** 9) }}"],
    ["replacing", "{{ ('a' * 100000).replace('a', 'b' * 100000) }}"],
    ["replacing nothing", "{{ ('a' * 100000)|replace('', 'b' * 100000) }}"],
    ["searching", "{{ ('b' + 'a' * 1000000) in ('a' * 4000000) }}"],
    ["a recursive macro", "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}"],
    [
      "two recursive macros",
      "{% macro a() %}{{ b() }}{% endmacro %}{% macro b() %}{{ a() }}{% endmacro %}{{ a() }}",
    ],
    [
      "a branching macro",
      "{% macro m(n) %}{% if n %}{{ m(n - 1) }}{{ m(n - 1) }}{% endif %}{% endmacro %}{{ m(40) }}",
    ],
    [
      "a recursive call block",
      "{% macro m() %}{% call m() %}{{ caller() }}{% endcall %}{% endmacro %}{{ m() }}",
    ],
    ["output", `{% for i in ${many} %}{{ 'a' * 100000 }}{% endfor %}`],
    ["sorting", `{% for i in ${many} %}{{ ${many}|reverse|sort }}{% endfor %}`],
    ["unique", `{{ ${many}|unique|list }}`],
    [
      "macros defined in a loop",
      `{% for i in ${many} %}{% macro m() %}${"{{ x }}".repeat(500)}{% endmacro %}{% endfor %}`,
    ],
    [
      "spread",
      `{% macro m() %}{{ varargs|length }}{% endmacro %}{% for i in ${many} %}{{ m(*${many}) }}{% endfor %}`,
    ],
    ["a deep expression", `{{ ${"(".repeat(50_000)}1${")".repeat(50_000)} }}`],
    ["a long chain", `{{ 1${" + 1".repeat(50_000)} }}`],
    ["white space", `{{ x }}${" ".repeat(200_000)}`],
    ["a long source", "a".repeat(2 ** 18 + 1)],
  ])("%s", (_, source) => {
    expect(() => render(source)).toThrow(TemplateLimitError);
  });

  it("a deep input", () => {
    let deep: unknown = 1;
    for (let i = 0; i < 100_000; i++) deep = [deep];
    expect(() => new ChatTemplate("").render({ messages: [deep] })).toThrow(TemplateLimitError);
  });

  it("a limit that is raised lets more through", () => {
    const source = "{% for i in range(1000) %}{% for j in range(20) %}{% endfor %}{% endfor %}";
    const template = (steps: number) => new ChatTemplate(source, { limits: { steps } });
    expect(() => template(10_000).render({ messages: [] })).toThrow(TemplateLimitError);
    expect(template(2_000_000).render({ messages: [] })).toBe("");
  });
});

describe("any source", () => {
  const pieces = fc.constantFrom(
    ..."{{ }} {% %} {# #} {%- -%} if else elif endif for in endfor set macro endmacro call endcall x y m ( ) [ ] { } . , : | ~ + - * / // % ** == < > not and or is none 1 2.5 'a' \"b\" = tojson length join range namespace loop.index".split(
      " ",
    ),
    " ",
    "\n",
    "text",
  );
  it("renders, or throws an error of this package", () => {
    const property = fc.property(fc.array(pieces, { maxLength: 40 }), (parts) => {
      try {
        render(parts.join(" "));
      } catch (error) {
        expect(error).toBeInstanceOf(TokenizerError);
      }
    });
    fc.assert(property, { numRuns: 3000 });
  });
});
