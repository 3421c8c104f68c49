import type { LoadSettings } from "./load-settings.ts";
import type { RunSalt } from "./run-salt.ts";
import type { Body, Content, PlannedRequest, Turn } from "./workloads/workload.ts";

/** A request as it is sent: a path below the server's URL, and the body. */
export type FormedRequest = { readonly path: string; readonly body: Body; readonly stream: boolean };

type Form = Pick<LoadSettings, "endpoint" | "stream" | "greedy" | "ignoreEos" | "body">;

/** Writes requests the way that an endpoint takes them. */
export class RequestForm {
  readonly #form: Form;
  readonly #model: string;

  constructor(form: Form, model: string) {
    this.#form = form;
    this.#model = model;
  }

  /** @param seed of the server's sampling, where it samples */
  write({ content, outputTokens, scope }: PlannedRequest, salt: RunSalt, seed: number): FormedRequest {
    const { endpoint, stream, greedy, ignoreEos, body } = this.#form;
    const said = salt.said(content, scope);
    const chat = said.kind === "body" ? "messages" in said.body : endpoint === "chat";
    const ownStream = said.kind === "body" ? said.body.stream : undefined;
    const streams = typeof ownStream === "boolean" ? ownStream : stream;
    return {
      path: chat ? "/chat/completions" : "/completions",
      stream: streams,
      body: {
        model: this.#model,
        ...(said.kind !== "body" && !greedy && { seed }),
        ...contentFields(said, chat),
        ...(outputTokens !== undefined && { max_tokens: outputTokens }),
        ...(greedy && { temperature: 0 }),
        ...(ignoreEos && { ignore_eos: true }),
        ...salt.fields(scope),
        ...body,
        ...(streams && { stream: true, stream_options: { include_usage: true } }),
      },
    };
  }
}

function contentFields(content: Content, chat: boolean): Body {
  switch (content.kind) {
    case "body":
      return content.body;
    case "ids":
      return { prompt: content.ids };
    case "turns":
      return chat ? { messages: content.turns } : { prompt: transcript(content.turns) };
  }
}

/** A conversation as one text, which later turns only make longer. */
function transcript(turns: readonly Turn[]): string {
  return turns.reduce((text, { role, content }, i) => {
    if (i === 0) return content;
    if (role === "assistant") return text + content;
    return `${text}${turns[i - 1]!.role === "assistant" ? "\n" : " "}${content}`;
  }, "");
}
