/**
 * Numbers from a seed: splitmix32, whose state is a counter, so that sequences of one seed differ from the start and a
 * draw depends on nothing but seed, sequence and how many were drawn before.
 */
export class SeededRandom {
  #state: number;

  /** @param sequence tells sequences of one seed apart */
  constructor(seed: number, sequence: number) {
    this.#state = mix((seed >>> 0) ^ mix(sequence + 1));
  }

  /** From 0 up to but excluding 1. */
  next(): number {
    this.#state = (this.#state + 0x9e3779b9) >>> 0;
    return mix(this.#state) / 2 ** 32;
  }
}

function mix(value: number): number {
  let x = value >>> 0;
  x = Math.imul(x ^ (x >>> 16), 0x21f0aaad);
  x = Math.imul(x ^ (x >>> 15), 0x735a2d97);
  return (x ^ (x >>> 15)) >>> 0;
}
