/** Holds text back while it may be the beginning of a stop string. */
export class StopStrings {
  readonly #stops: readonly string[];
  #held = "";

  constructor(stops: readonly string[]) {
    this.#stops = stops;
  }

  /** @returns the text that can be shown, and whether a stop string was met: it and all behind it are not shown */
  push(text: string): { readonly text: string; readonly stopped: boolean } {
    const whole = this.#held + text;
    const found = this.#stops.map((stop) => whole.indexOf(stop)).filter((at) => at >= 0);
    if (found.length > 0) {
      this.#held = "";
      return { text: whole.slice(0, Math.min(...found)), stopped: true };
    }
    const held = Math.max(0, ...this.#stops.map((stop) => beginningAtEnd(whole, stop)));
    this.#held = whole.slice(whole.length - held);
    return { text: whole.slice(0, whole.length - held), stopped: false };
  }

  /** What was held back and no stop string after all. */
  flush(): string {
    const text = this.#held;
    this.#held = "";
    return text;
  }
}

/** Length of the longest end of `text` that `stop` begins with. */
function beginningAtEnd(text: string, stop: string): number {
  for (let length = Math.min(text.length, stop.length - 1); length > 0; length--) {
    if (stop.startsWith(text.slice(text.length - length))) return length;
  }
  return 0;
}
