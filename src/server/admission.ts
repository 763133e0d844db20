import { overloaded } from "./errors.ts";

/**
 * How much may be under way at once. As in TEI every text of a request counts, and what is too much is refused at once
 * rather than left to wait; but a request that is alone is served even if it counts more than the limit, which would
 * otherwise refuse it for ever.
 */
export class Admission {
  readonly #limit: number;
  #inside = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Texts under way. */
  get inside(): number {
    return this.#inside;
  }

  /**
   * @returns to be disposed when the request is done
   * @throws ServerError 429
   */
  enter(texts: number): Disposable {
    if (this.#inside > 0 && this.#inside + texts > this.#limit) throw overloaded();
    this.#inside += texts;
    let left = false;
    return {
      [Symbol.dispose]: () => {
        if (!left) this.#inside -= texts;
        left = true;
      },
    };
  }
}
