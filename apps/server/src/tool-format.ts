/** How a model writes calls of tools into its text. */
export type ToolFormat = {
  readonly name: "hermes" | "llama" | "mistral" | "deepseek" | "json";
  /** Begins one call or a list of them. */
  readonly open: readonly string[];
  /** Ends it; where there is none, the end of the JSON does. */
  readonly close: readonly string[];
  /** Stands between a name and its arguments; where there is none, both are in one JSON object. */
  readonly separator?: string;
  /** JSON at the very beginning of a text is a call too, if it names a tool: some markers are not part of the text. */
  readonly bare: boolean;
};

const formats = {
  hermes: { name: "hermes", open: ["<tool_call>"], close: ["</tool_call>"], bare: false },
  llama: { name: "llama", open: ["<|python_tag|>"], close: [], bare: true },
  mistral: { name: "mistral", open: ["[TOOL_CALLS]"], close: [], bare: true },
  deepseek: {
    name: "deepseek",
    open: ["<｜tool▁calls▁begin｜>", "<｜tool▁call▁begin｜>"],
    close: ["<｜tool▁call▁end｜>", "<｜tool▁calls▁end｜>"],
    separator: "<｜tool▁sep｜>",
    bare: false,
  },
  json: { name: "json", open: [], close: [], bare: true },
} as const satisfies Record<string, ToolFormat>;

/** What only a template of that format has in its source. */
const signs: readonly (readonly [string, ToolFormat])[] = [
  ["<tool_call>", formats.hermes],
  ["[TOOL_CALLS]", formats.mistral],
  ["<｜tool▁sep｜>", formats.deepseek],
  ["<|python_tag|>", formats.llama],
  ['"parameters": dictionary of argument', formats.llama],
];

/** The format of which a chat template's source speaks; plain JSON where it speaks of tools in no known way; undefined where it knows none. */
export function toolFormatOf(chatTemplate: string): ToolFormat | undefined {
  const known = signs.find(([sign]) => chatTemplate.includes(sign));
  if (known) return known[1];
  return /\btools\b/.test(chatTemplate) ? formats.json : undefined;
}

/** How a text is read that a schema made: as JSON, whatever the template says. */
export const constrainedFormat: ToolFormat = formats.json;
