import { describe, expect, it } from "vitest";
import { TemplateError } from "../src/errors.ts";
import { ChatTemplate } from "../src/template/chat-template.ts";
import recorded from "./jinja2-cases.json" with { type: "json" };

const messages = [
  { role: "user", content: "Hi 🦙" },
  { role: "assistant", content: null },
];

function render(source: string): string {
  const now = () => new Date(2026, 10, 20, 15, 4, 5);
  const template = new ChatTemplate(source, { bosToken: "<B>", eosToken: "<E>", now });
  return template.render({ messages, extra: recorded.variables });
}

describe("a template means what it means to Jinja2", () => {
  it.each(recorded.cases)("$template", ({ template, text }) => {
    if (text === undefined) expect(() => render(template)).toThrow(TemplateError);
    else expect(render(template)).toBe(text);
  });
});

describe("where it differs from Jinja2, a template fails rather than prints something else", () => {
  it.each([
    ["chained comparisons", "{{ 1 < 2 < 3 }}"],
    ["integers beyond 2^53", "{{ 9007199254740993 }}"],
    ["unknown strftime directives", "{{ strftime_now('%j') }}"],
    ["inheritance", "{% extends 'x' %}"],
  ])("%s", (_, source) => {
    expect(() => render(source)).toThrow(TemplateError);
  });
});
