import { TemplateError, TemplateLimitError, TokenizerError, TokenizerOptionError } from "../errors.ts";
import { Evaluator } from "./evaluator.ts";
import { globalScope } from "./globals.ts";
import { Meter, type TemplateLimits, templateLimits } from "./meter.ts";
import { type Node, parseTemplate } from "./syntax.ts";
import { fromJavaScript } from "./values.ts";

/** What a chat template is made with. */
export interface ChatTemplateOptions {
  /** Text of the tokens that the template may print. Default empty. */
  bosToken?: string;
  eosToken?: string;
  /** Further tokens by the name of their variable, such as `unk_token`. */
  tokens?: Readonly<Record<string, string>>;
  /** Another template, used where there are tools. */
  toolSource?: string | undefined;
  limits?: Partial<TemplateLimits>;
  /** The time that `strftime_now` tells. Default the current one. */
  now?: () => Date;
}

/** What a chat template renders. Everything in it must be plain data, as JSON has it. */
export interface ChatTemplateInput {
  /** The conversation, in the form of the chat completions API. */
  messages: readonly unknown[];
  /** Tools that the model may call, in the same form. Default none. */
  tools?: readonly unknown[] | undefined;
  /** End with what makes the model answer. Default false. */
  addGenerationPrompt?: boolean;
  /** Further variables that a template may know, such as `enable_thinking`. */
  extra?: Readonly<Record<string, unknown>> | undefined;
}

const OWN_VARIABLES = ["messages", "tools", "add_generation_prompt"];

/**
 * A chat template: Jinja, as `apply_chat_template` of Hugging Face's transformers renders it (sandboxed,
 * `trim_blocks`, `lstrip_blocks`, loop controls, `tojson`, `raise_exception`, `strftime_now`). Templates come with
 * checkpoints, so each rendering runs under limits, and it has no access to anything but its input.
 */
export class ChatTemplate {
  /** Jinja. */
  readonly source: string;
  readonly #nodes: readonly Node[];
  readonly #toolNodes: readonly Node[];
  readonly #tokens: Readonly<Record<string, string>>;
  readonly #limits: TemplateLimits;
  readonly #now: () => Date;

  /** @throws TemplateError for a syntax error, TemplateLimitError, TokenizerOptionError for a limit out of range. */
  constructor(source: string, options: ChatTemplateOptions = {}) {
    const { bosToken = "", eosToken = "", tokens = {}, toolSource, limits, now = () => new Date() } = options;
    this.source = source;
    this.#limits = templateLimits(limits);
    this.#nodes = parseTemplate(source, this.#limits.sourceLength);
    this.#toolNodes =
      toolSource === undefined ? this.#nodes : parseTemplate(toolSource, this.#limits.sourceLength);
    this.#tokens = { ...tokens, bos_token: bosToken, eos_token: eosToken };
    this.#now = now;
  }

  /**
   * The prompt for a conversation. Its special tokens are spelled out, so encode it with `parseSpecial: true` and
   * `addSpecial: false`.
   *
   * @throws TemplateError with the template's own message where it refuses the conversation (`raise_exception`),
   * or where it fails; TemplateLimitError where it does too much; TokenizerOptionError for a reserved name in `extra`.
   */
  render({ messages, tools, addGenerationPrompt = false, extra = {} }: ChatTemplateInput): string {
    for (const name of OWN_VARIABLES) {
      if (name in extra) throw new TokenizerOptionError(`extra.${name}: this name is reserved`);
    }
    const meter = new Meter(this.#limits);
    const withTools = tools !== undefined && tools.length > 0;
    const variables = {
      ...this.#tokens,
      documents: null,
      ...extra,
      messages,
      tools: withTools ? tools : null,
      add_generation_prompt: addGenerationPrompt,
    };
    try {
      const scope = globalScope(meter, this.#now);
      for (const [name, value] of Object.entries(variables)) {
        if (value !== undefined) scope.set(name, fromJavaScript(value, meter));
      }
      return new Evaluator(meter).render(withTools ? this.#toolNodes : this.#nodes, scope);
    } catch (error) {
      if (error instanceof TokenizerError) throw error;
      if (error instanceof RangeError) throw new TemplateLimitError("depth", this.#limits.depth);
      throw new TemplateError(`chat template: ${String(error)}`, { cause: error });
    }
  }
}
