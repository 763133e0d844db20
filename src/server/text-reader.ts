import type { Encoding } from "../tokenizer/index.ts";
import { emptyInput, invalidInput } from "./errors.ts";
import type { Embedder, Scorer } from "./models.ts";
import { type Settings, unknownPrompt } from "./settings.ts";
import { countCharacters } from "./stats.ts";
import { checkLength, limitCharacters, type ReadInputs, readInputs, type TextInput } from "./text-input.ts";
import type { TokenizeJob } from "./tokenize/job.ts";
import { Tokenizing } from "./tokenize/tokenizing.ts";

export interface ReadOptions {
  /** @default as the server is set */
  readonly truncate?: boolean | undefined;
  /** @default "right" */
  readonly truncationSide?: "left" | "right" | undefined;
  /** @default the server's default prompt */
  readonly promptName?: string | undefined;
}

/** What a text is judged by. */
export interface Pair {
  readonly query: string;
  readonly text: string;
}

export interface PairOptions extends Omit<ReadOptions, "promptName"> {
  /** What makes a text relevant, in one sentence. @default the one for web search */
  readonly instruction?: string | undefined;
}

/** A text, prompt included, and its ids with their offsets. */
export interface TokenizedText {
  readonly text: string;
  readonly encoding: Encoding;
}

/** A model's texts to ids and back, within the server's limits. */
export class TextReader {
  readonly maxInputLength: number;
  readonly #model: Embedder | Scorer;
  readonly #prompts: ReadonlyMap<string, string>;
  readonly #settings: Settings;
  readonly #tokenizing: Tokenizing;

  constructor(model: Embedder | Scorer, prompts: ReadonlyMap<string, string>, settings: Settings) {
    this.#model = model;
    this.#prompts = prompts;
    this.#settings = settings;
    this.maxInputLength = Math.min(model.maxLength, settings.maxBatchTokens);
    this.#tokenizing = new Tokenizing(model.tokenizer, settings.tokenizationWorkers);
  }

  /** @throws ServerError for an input that is empty, too long or not in the vocabulary, and for an unknown prompt */
  async read(inputs: readonly TextInput[], options: ReadOptions): Promise<ReadInputs> {
    const { truncate = this.#settings.autoTruncate, truncationSide = "right", promptName } = options;
    const { maxInputLength } = this;
    const { vocabSize } = this.#model.config;
    const prompt = this.#prompt(promptName);
    const limits = { prompt, truncate, truncationSide, maxInputLength, vocabSize };
    return await readInputs(inputs, limits, this.#tokenizing);
  }

  /** @throws ServerError for a pair that is empty or too long, or would have to be cut at its start */
  async readPairs(pairs: readonly Pair[], options: PairOptions): Promise<ReadInputs> {
    const { truncate = this.#settings.autoTruncate, truncationSide = "right", instruction } = options;
    const { maxInputLength } = this;
    const cut = truncate && truncationSide === "right"; // at its start a pair has the instruction and the query
    const jobs = pairs.map(({ query, text }): TokenizeJob => {
      if (query === "" && text === "") throw emptyInput();
      limitCharacters(query, false, maxInputLength);
      const limited = limitCharacters(text, cut, maxInputLength);
      return { text: limited, pair: { query, instruction }, ...(cut && { maxLength: maxInputLength }) };
    });
    const encodings = await this.#tokenizing.run(jobs);
    for (const { ids } of encodings) checkLength(ids.length, maxInputLength);
    const count = pairs.reduce((sum, { query, text }) => sum + countCharacters(query) + countCharacters(text), 0);
    return { sequences: encodings.map(({ ids }) => ids), characters: count };
  }

  async tokenize(
    texts: readonly string[],
    { addSpecialTokens, promptName }: { readonly addSpecialTokens: boolean; readonly promptName?: string | undefined },
  ): Promise<readonly TokenizedText[]> {
    const prompt = this.#prompt(promptName);
    const jobs = texts.map((text) => {
      if (text === "") throw emptyInput();
      return { text: prompt + limitCharacters(text, false, this.maxInputLength), addSpecialTokens, offsets: true };
    });
    const encodings = await this.#tokenizing.run(jobs);
    return encodings.map((encoding, i) => ({ text: jobs[i]?.text ?? "", encoding }));
  }

  decode(ids: readonly number[], skipSpecialTokens: boolean): string {
    if (ids.length === 0) throw emptyInput("`input_ids` cannot be empty");
    return this.#model.tokenizer.decode(ids, { skipSpecialTokens });
  }

  /** A token as its tokenizer.json writes it. */
  tokenText(id: number): string {
    return this.#model.tokenizer.idToToken(id) ?? "";
  }

  isSpecial(id: number): boolean {
    return this.#model.tokenizer.specialTokenIds.has(id);
  }

  async close(): Promise<void> {
    await this.#tokenizing.close();
  }

  #prompt(name: string | undefined): string {
    if (name === undefined) return this.#settings.defaultPrompt;
    const prompt = this.#prompts.get(name);
    if (prompt === undefined) throw invalidInput(unknownPrompt(name, this.#prompts));
    return prompt;
  }
}
