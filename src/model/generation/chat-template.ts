import { readFile } from "node:fs/promises";
import { Qwen3Error } from "../../core/errors.ts";
import type { ModelFiles } from "../open-model.ts";

/** A turn of a conversation, as the checkpoint's template reads it; further fields are passed on. */
export interface ChatMessage {
  readonly role: string;
  readonly content?: string | null | undefined;
  readonly [field: string]: unknown;
}

/** What a chat template is told besides the messages. */
export interface ChatOptions {
  /** Functions the model may call, as JSON schemas. */
  readonly tools?: readonly unknown[] | undefined;
  /** Whether the model thinks before it answers; Qwen3's template takes `undefined` for yes. */
  readonly enableThinking?: boolean | undefined;
}

export interface ChatTemplateOptions extends ChatOptions {
  /** End with the beginning of the assistant's turn. @default true */
  readonly addGenerationPrompt?: boolean | undefined;
}

const SPECIAL_TOKENS = ["bos_token", "eos_token", "pad_token", "unk_token"];

/** A checkpoint's own Jinja template, which turns messages into the text that the model was trained on. */
export class ChatTemplate {
  readonly #templates: ReadonlyMap<string, string>;
  readonly #specialTokens: Readonly<Record<string, string>>;

  private constructor(templates: ReadonlyMap<string, string>, specialTokens: Readonly<Record<string, string>>) {
    this.#templates = templates;
    this.#specialTokens = specialTokens;
  }

  /** From chat_template.jinja, else tokenizer_config.json; `undefined` if the checkpoint has neither. */
  static async read(files: Pick<ModelFiles, "file" | "json">): Promise<ChatTemplate | undefined> {
    const json = await files.json("tokenizer_config.json");
    const config: Readonly<Record<string, unknown>> = typeof json === "object" && json !== null ? { ...json } : {};
    const file = files.file("chat_template.jinja");
    const templates =
      file === undefined ? templatesOf(config["chat_template"]) : new Map([["default", await readFile(file, "utf8")]]);
    if (templates.size === 0) return undefined;
    const tokens = SPECIAL_TOKENS.flatMap((name) => {
      const text = tokenText(config[name]);
      return text === undefined ? [] : [[name, text] as const];
    });
    return new ChatTemplate(templates, Object.fromEntries(tokens));
  }

  /**
   * @returns the text that transformers' `apply_chat_template` gives
   * @throws Qwen3Error `invalid-argument` with the template's own words if it refuses the messages
   */
  async render(messages: readonly ChatMessage[], options: ChatTemplateOptions = {}): Promise<string> {
    const { tools, enableThinking, addGenerationPrompt = true } = options;
    const { Template } = await importJinja();
    const source = (tools && this.#templates.get("tool_use")) ?? this.#templates.get("default") ?? "";
    try {
      return new Template(source).render({
        ...this.#specialTokens,
        messages,
        tools: tools ?? null,
        add_generation_prompt: addGenerationPrompt,
        ...(enableThinking !== undefined && { enable_thinking: enableThinking }),
      });
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause);
      throw new Qwen3Error("invalid-argument", `the chat template cannot render these messages: ${reason}`, { cause });
    }
  }
}

/** One template, or several by name. */
function templatesOf(value: unknown): Map<string, string> {
  if (typeof value === "string") return new Map([["default", value]]);
  const templates = new Map<string, string>();
  for (const entry of Array.isArray(value) ? (value as unknown[]) : []) {
    if (typeof entry !== "object" || entry === null || !("name" in entry) || !("template" in entry)) continue;
    if (typeof entry.name === "string" && typeof entry.template === "string") templates.set(entry.name, entry.template);
  }
  return templates;
}

function tokenText(value: unknown): string | undefined {
  if (typeof value === "string") return value;
  const content = typeof value === "object" && value !== null && "content" in value ? value.content : undefined;
  return typeof content === "string" ? content : undefined;
}

async function importJinja(): Promise<typeof import("@huggingface/jinja")> {
  try {
    return await import("@huggingface/jinja");
  } catch (cause) {
    const message =
      "chat messages need the package '@huggingface/jinja', which is not installed; run: npm install @huggingface/jinja, or render the prompt yourself and pass the text";
    throw new Qwen3Error("not-found", message, { cause });
  }
}
