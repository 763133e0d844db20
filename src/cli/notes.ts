import type { Context } from "./context.ts";
import type { CommonOptions } from "./options.ts";

/** What a command says beside its results, to stderr. */
export class Notes {
  readonly #stderr: Context["stderr"];
  readonly #options: CommonOptions;

  constructor({ stderr }: Pick<Context, "stderr">, options: CommonOptions) {
    this.#stderr = stderr;
    this.#options = options;
  }

  /** Worth knowing. Not with `--quiet`. */
  note(message: string): void {
    if (this.#options.quiet !== true) this.#stderr.write(`${message}\n`);
  }

  /** Only with `--verbose`. */
  detail(message: string): void {
    if (this.#options.verbose === true) this.note(message);
  }
}
