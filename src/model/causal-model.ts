import { Qwen3Error } from "../core/errors.ts";
import { checkList, wrongArgument } from "./arguments.ts";
import { type ChatMessage, ChatTemplate, type ChatTemplateOptions } from "./generation/chat-template.ts";
import { Generation } from "./generation/generation.ts";
import { checkGenerateOptions, type GenerateOptions } from "./generation/generate-options.ts";
import { type GenerationDefaults, readGenerationDefaults } from "./generation/generation-config.ts";
import { type GeneratedToken, Sequence } from "./generation/sequence.ts";
import { loadModel } from "./load-model.ts";
import type { LoadOptions } from "./load-options.ts";
import { type ModelParts, Qwen3Model } from "./qwen3-model.ts";

/** A text, its token ids, or the turns of a conversation, which the checkpoint's chat template makes a text of. */
export type Prompt = string | Uint32Array | readonly ChatMessage[];

/** A conversation for which there should be memory; longer ones may find it too. */
const CONVERSATION_TOKENS = 2048;

/** Generates text with a plain Qwen3 checkpoint. */
export class CausalModel extends Qwen3Model {
  readonly #defaults: GenerationDefaults;
  readonly #template: ChatTemplate | undefined;

  private constructor(parts: ModelParts, defaults: GenerationDefaults, template: ChatTemplate | undefined) {
    super(parts);
    this.#defaults = defaults;
    this.#template = template;
  }

  /** @param source a checkpoint folder, or a hub id such as `Qwen/Qwen3-0.6B` */
  static async load(source: string, options: LoadOptions = {}): Promise<CausalModel> {
    const { parts, extra } = await loadModel(source, options, {
      generates: true,
      cacheTokens: () => CONVERSATION_TOKENS,
      readExtra: async ({ files, config }) => ({
        defaults: await readGenerationDefaults(files, config),
        template: await ChatTemplate.read(files),
      }),
    });
    return new CausalModel(parts, extra.defaults, extra.template);
  }

  /** Most tokens of prompt and generated text together. */
  get maxLength(): number {
    return this.config.maxPositionEmbeddings;
  }

  /** Whether the checkpoint has a chat template, so that prompts can be messages. */
  get hasChatTemplate(): boolean {
    return this.#template !== undefined;
  }

  /**
   * The text of a conversation, as the checkpoint's template writes it.
   *
   * @throws Qwen3Error `not-found` if the checkpoint has no chat template, or @huggingface/jinja is not installed
   */
  async applyChatTemplate(messages: readonly ChatMessage[], options: ChatTemplateOptions = {}): Promise<string> {
    if (this.#template) return await this.#template.render(messages, options);
    const message = `${this.parts.name} has no chat template; pass a text, or a checkpoint with chat_template in its tokenizer_config.json`;
    throw new Qwen3Error("not-found", message);
  }

  /**
   * Continues a prompt, a token at a time. Leaving the loop stops it.
   *
   * @throws Qwen3Error `too-large` if the context has no room; `invalid-argument` naming the option that cannot be used
   */
  async *generate(prompt: Prompt, options: GenerateOptions = {}): AsyncGenerator<GeneratedToken> {
    yield* this.generateBatch([prompt], options);
  }

  /**
   * Continues several prompts at once, which costs little more than one; their tokens come in turns, told apart by
   * `index`. Without sampling each text is what `generate` gives for it; with it, each draws from the seed by itself.
   *
   * @throws Qwen3Error as `generate`
   */
  async *generateBatch(prompts: readonly Prompt[], options: GenerateOptions = {}): AsyncGenerator<GeneratedToken> {
    checkList("prompts", prompts, "a list of prompts");
    const checked = checkGenerateOptions(options, this.#defaults);
    options.signal?.throwIfAborted();
    const tokenizer = checked.stop.length > 0 ? this.tokenizer : this.parts.tokenizer;
    const sequences: Sequence[] = [];
    for (const [index, prompt] of prompts.entries()) {
      const ids = await this.#promptIds(prompt, options);
      const limit = this.#limitOf(ids, checked.maxNewTokens);
      sequences.push(new Sequence({ index, prompt: ids, limit, options: checked, tokenizer }));
    }
    const head = await this.parts.head.whole();
    yield* new Generation(this.parts, head, checked).run(sequences, options.signal);
  }

  async #promptIds(prompt: Prompt, options: GenerateOptions): Promise<Uint32Array> {
    if (prompt instanceof Uint32Array) return prompt;
    if (typeof prompt === "string") return this.tokenizer.encode(prompt).ids;
    if (!Array.isArray(prompt))
      throw wrongArgument("prompt", prompt, "a string, a Uint32Array of ids or chat messages");
    const text = await this.applyChatTemplate(prompt, options);
    return this.tokenizer.encode(text, { addSpecialTokens: false }).ids;
  }

  /** Most tokens of a sequence with this prompt. */
  #limitOf({ length }: Uint32Array, maxNewTokens: number | undefined): number {
    const { maxLength } = this;
    if (length === 0) throw new Qwen3Error("invalid-argument", "the prompt has no tokens; it needs at least one");
    const limit = maxNewTokens === undefined ? maxLength : length + maxNewTokens;
    if (limit <= maxLength && length < maxLength) return limit;
    const asked = maxNewTokens === undefined ? "" : ` and maxNewTokens is ${maxNewTokens}`;
    const message = `the prompt has ${length} tokens${asked}; the model's context holds ${maxLength}`;
    throw new Qwen3Error("too-large", message);
  }
}
