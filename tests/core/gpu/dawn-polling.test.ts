import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it, mock } from "node:test";
import { DawnPolling } from "../../../src/core/gpu/dawn-polling.ts";

/** Asks in every turn it can get until it is answered, as Dawn's binding does. */
class FakeDawn {
  /** Turns that it planned by the program's own setImmediate. */
  byItself = 0;
  #answer: (() => void) | undefined;

  readonly mapAsync = (): Promise<void> => {
    const { promise, resolve } = withResolvers();
    this.#answer = resolve;
    this.#plan();
    return promise;
  };

  finish(): void {
    this.#answer?.();
    this.#answer = undefined;
  }

  #plan(): void {
    if (globalThis.setImmediate === original) this.byItself += 1;
    globalThis.setImmediate(() => this.#answer && this.#plan());
  }
}

function withResolvers(): { promise: Promise<void>; resolve: () => void } {
  let resolve = (): void => {};
  const promise = new Promise<void>((settle) => (resolve = settle));
  return { promise, resolve };
}

const original = globalThis.setImmediate;

describe("DawnPolling", () => {
  let pauses = 0;
  const timers = {
    setImmediate: (turn: () => void) => original(turn),
    setTimeout: (turn: () => void) => void (pauses++, original(turn)),
  };
  let dawn: FakeDawn;
  beforeEach(() => {
    pauses = 0;
    dawn = new FakeDawn();
  });
  afterEach(() => {
    mock.restoreAll();
    dawn.finish();
    assert.equal(globalThis.setImmediate, original);
  });

  async function turnsPass(many: number): Promise<void> {
    for (let n = 0; n < many; n++) await new Promise((resolve) => original(resolve));
  }

  it("asks a software adapter twice at once, then by timers, until it answers", async () => {
    const answer = new DawnPolling({ software: true }, timers).ask(dawn.mapAsync);
    await turnsPass(2);
    assert.equal(pauses, 1);
    await turnsPass(20);
    assert.ok(pauses > 5, `${pauses} pauses`);
    dawn.finish();
    await answer;
    await turnsPass(3);
    const before = pauses;
    await turnsPass(5);
    assert.equal(pauses, before, "asked after the answer");
    assert.equal(dawn.byItself, 0);
  });

  it("asks hardware in every turn at first", async () => {
    let now = 1000;
    mock.method(performance, "now", () => now);
    const answer = new DawnPolling({ software: false }, timers).ask(dawn.mapAsync);
    await turnsPass(100);
    assert.equal(pauses, 0);
    now += 11;
    await turnsPass(20);
    assert.ok(pauses > 5, `${pauses} pauses`);
    dawn.finish();
    await answer;
  });

  it("lends Dawn its setImmediate for no longer than a call, also one that throws", () => {
    const polling = new DawnPolling({ software: true });
    assert.throws(() =>
      polling.ask(() => {
        assert.notEqual(globalThis.setImmediate, original);
        throw new Error("lost");
      }),
    );
    assert.equal(globalThis.setImmediate, original);
  });
});
