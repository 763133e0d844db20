import type { DecodeStream, Tokenizer } from "../../tokenizer/index.ts";
import type { Candidates } from "./candidates.ts";
import type { CheckedGenerateOptions } from "./generate-options.ts";
import { SeededRandom } from "./random.ts";
import { sample } from "./sample.ts";
import { StopStrings } from "./stop-strings.ts";

/** A token as it is generated. */
export interface GeneratedToken {
  /** Which prompt it continues. */
  readonly index: number;
  readonly id: number;
  /** What became printable with this token: nothing in the middle of a character, or while a stop string may be beginning. */
  readonly text: string;
  /** log P of the token as the model gave it, before temperature and penalties. */
  readonly logprob: number;
  /** On a text's last token: it ended itself, a stop string was met, or there is no room for more. */
  readonly finishReason?: "eos" | "stop" | "length";
}

export interface SequenceOptions {
  readonly index: number;
  readonly prompt: Uint32Array;
  /** Most tokens, the prompt included. */
  readonly limit: number;
  readonly options: CheckedGenerateOptions;
  readonly tokenizer: Tokenizer | undefined;
}

/** One text on its way: its tokens, how many of them are cached, and how it continues. */
export class Sequence {
  readonly index: number;
  readonly limit: number;
  /** Tokens whose keys and values are in the cache. */
  cached = 0;
  readonly #options: CheckedGenerateOptions;
  readonly #ids: number[];
  readonly #seen: Set<number>;
  readonly #random: SeededRandom;
  readonly #stream: DecodeStream | undefined;
  readonly #stops: StopStrings;
  #finished = false;

  constructor({ index, prompt, limit, options, tokenizer }: SequenceOptions) {
    this.index = index;
    this.limit = limit;
    this.#options = options;
    this.#ids = [...prompt];
    this.#seen = new Set(prompt);
    this.#random = new SeededRandom(options.seed, index);
    this.#stream = tokenizer?.decodeStream({ skipSpecialTokens: true });
    this.#stops = new StopStrings(options.stop);
  }

  get length(): number {
    return this.#ids.length;
  }

  /** Whether its last token is cached, so that the next one can be chosen. */
  get isCached(): boolean {
    return this.cached === this.length;
  }

  get finished(): boolean {
    return this.#finished;
  }

  /** Ids that a repetition penalty is for. */
  get seen(): ReadonlySet<number> {
    return this.#seen;
  }

  /** The next tokens that are not cached yet. */
  pending(count: number): Uint32Array {
    return Uint32Array.from(this.#ids.slice(this.cached, this.cached + count));
  }

  /** Chooses the next token. */
  extend(candidates: Candidates): GeneratedToken {
    const place = sample(candidates, this.#options, this.#random.next());
    const id = candidates.ids[place] ?? 0;
    this.#ids.push(id);
    this.#seen.add(id);
    const { text, finishReason } = this.#read(id);
    this.#finished = finishReason !== undefined;
    const token = { index: this.index, id, text, logprob: candidates.logprobs[place] ?? Number.NaN };
    return finishReason === undefined ? token : { ...token, finishReason };
  }

  #read(id: number): Pick<GeneratedToken, "text" | "finishReason"> {
    const { text, stopped } = this.#stops.push(this.#stream?.push(id) ?? "");
    if (stopped) return { text, finishReason: "stop" };
    const ended = this.#options.eosTokenIds.has(id);
    if (!ended && this.length < this.limit) return { text };
    const rest = this.#stops.push(this.#stream?.flush() ?? "");
    if (rest.stopped) return { text: text + rest.text, finishReason: "stop" };
    return { text: text + rest.text + this.#stops.flush(), finishReason: ended ? "eos" : "length" };
  }
}
