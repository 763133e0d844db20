import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import fc from "fast-check";
import { Qwen3Error } from "../../src/index.ts";
import { Batcher, type BatchObserver, type Work } from "../../src/server/batcher.ts";

interface Text extends Work {
  readonly name: string;
}

const text = (name: string, length: number): Text => ({ name, ids: new Uint32Array(length) });
const names = (batch: readonly Text[]): string => batch.map(({ name }) => name).join("");

/** A model that computes when told to: each batch waits until it is released or failed. */
class Model {
  readonly batches: string[] = [];
  readonly #pending: { readonly finish: (error?: unknown) => void }[] = [];

  readonly run = (batch: readonly Text[]): Promise<string[]> => {
    this.batches.push(names(batch));
    return new Promise((resolve, reject) => {
      const finish = (error?: unknown): void =>
        error === undefined ? resolve(batch.map(({ name }) => name.toUpperCase())) : reject(error);
      this.#pending.push({ finish });
    });
  };

  /** Ends the oldest batch, and lets the next one start. */
  async release(error?: unknown): Promise<void> {
    this.#pending.shift()?.finish(error);
    for (let i = 0; i < 4; i++) await turn();
  }
}

async function started(): Promise<void> {
  for (let i = 0; i < 4; i++) await turn();
}

function batcher(
  model: Model,
  options: { maxBatchTokens?: number; maxBatchTexts?: number; observer?: BatchObserver } = {},
) {
  return new Batcher<Text, string>({ run: model.run, maxBatchTokens: 10, ...options });
}

const results = async (answers: Promise<readonly { result: string }[]>): Promise<string> =>
  (await answers).map(({ result }) => result).join("");

describe("Batcher", () => {
  it("puts texts of several requests into one batch, and answers each with its own, in its order", async () => {
    const model = new Model();
    const queue = batcher(model);
    const answers = [queue.submit([text("b", 3), text("a", 1)]), queue.submit([text("c", 2)])];
    await started();
    assert.deepEqual(model.batches, ["bac"]);
    await model.release();
    assert.deepEqual(await Promise.all(answers.map(results)), ["BA", "C"]);
  });

  it("keeps to the budget of tokens and of texts; what is longer runs alone", async () => {
    const model = new Model();
    const queue = batcher(model, { maxBatchTexts: 3 });
    const answer = queue.submit([
      text("L", 25),
      text("a", 4),
      text("b", 4),
      text("c", 4),
      ..."1234".split("").map((n) => text(n, 1)),
    ]);
    await started();
    for (let i = 0; i < 6; i++) await model.release();
    assert.equal(await results(answer), "LABC1234");
    for (const batch of model.batches) {
      const tokens = batch.split("").reduce((sum, name) => sum + (name === "L" ? 25 : name < "5" ? 1 : 4), 0);
      assert.ok(batch === "L" || (tokens <= 10 && batch.length <= 3), batch);
    }
  });

  it("answers short texts before long ones that came earlier, but never twice before the oldest", async () => {
    const model = new Model();
    const queue = batcher(model);
    const answers = [queue.submit([text("x", 10)])];
    await started();
    answers.push(queue.submit([text("A", 9), text("B", 9)]), queue.submit([text("s", 1), text("t", 1)]));
    await started();
    assert.deepEqual(model.batches, ["x", "As"]); // a full batch waits behind the running one; the oldest leads it
    await model.release();
    await model.release();
    await model.release();
    assert.deepEqual(model.batches, ["x", "As", "Bt"]);
    await model.release();
    await Promise.all(answers);
  });

  it("waits for company while a batch runs, unless a whole one is waiting", async () => {
    const model = new Model();
    const queue = batcher(model);
    const answers = [queue.submit([text("a", 5)])];
    await started();
    answers.push(queue.submit([text("b", 4)]));
    await started();
    assert.deepEqual(model.batches, ["a"]);
    answers.push(queue.submit([text("c", 6)]));
    await started();
    assert.deepEqual(model.batches, ["a", "bc"]);
    await model.release();
    await model.release();
    await Promise.all(answers);
  });

  it("drops waiting texts of a client that is gone, and forgets those being computed", async () => {
    const model = new Model();
    let dropped = 0;
    const queue = batcher(model, { observer: { dropped: (texts) => (dropped += texts) } });
    const gone = new AbortController();
    const answer = queue.submit([text("a", 8), text("b", 8)], gone.signal);
    const other = queue.submit([text("c", 8)]);
    await started();
    assert.deepEqual(model.batches, ["a", "b"]);
    gone.abort(new Error("gone"));
    await assert.rejects(answer, /gone/);
    assert.equal(dropped, 0); // both were being computed
    const waiting = queue.submit([text("d", 1)], AbortSignal.abort(new Error("before")));
    await assert.rejects(waiting, /before/);
    const later = new AbortController();
    const dropping = queue.submit([text("e", 1), text("f", 1)], later.signal);
    later.abort(new Error("later"));
    await assert.rejects(dropping, /later/);
    assert.equal(dropped, 2);
    await model.release();
    await model.release();
    await model.release();
    assert.equal(await results(other), "C");
    assert.deepEqual(model.batches, ["a", "b", "c"]);
    assert.equal(queue.waiting, 0);
    assert.equal(queue.running, 0);
  });

  it("computes the texts of a failed batch once more, each alone, and fails only whose fault it is", async () => {
    const run = async (batch: readonly Text[]): Promise<string[]> => {
      if (batch.some(({ name }) => name === "!")) throw new Error("cannot compute !");
      return batch.map(({ name }) => name.toUpperCase());
    };
    const finished: unknown[] = [];
    const observer = { finished: (error: unknown) => finished.push(error) };
    const queue = new Batcher<Text, string>({ run, maxBatchTokens: 10, observer });
    const good = queue.submit([text("a", 1), text("b", 1)]);
    const bad = queue.submit([text("!", 1), text("c", 1)]);
    await assert.rejects(bad, /cannot compute !/);
    assert.equal(await results(good), "AB");
    assert.deepEqual(
      finished.map((error) => error === undefined),
      [false, true, true, false],
    );
  });

  it("computes a batch once more as it was when the device failed, and gives up then", async () => {
    const model = new Model();
    const queue = batcher(model);
    const answers = [queue.submit([text("a", 1)]), queue.submit([text("b", 1)])];
    await started();
    await model.release(new Qwen3Error("device", "lost"));
    assert.deepEqual(model.batches, ["ab", "ab"]);
    await model.release();
    assert.deepEqual(await Promise.all(answers.map(results)), ["A", "B"]);
    const lost = queue.submit([text("c", 1)]);
    await started();
    await model.release(new Qwen3Error("device", "lost"));
    const failing = assert.rejects(lost, { code: "device" });
    await model.release(new Qwen3Error("device", "lost again"));
    await failing;
  });

  it("tells how long texts waited and were computed", async () => {
    const model = new Model();
    const answer = batcher(model).submit([text("a", 1)]);
    await started();
    await model.release();
    for (const { queueMs, inferenceMs } of await answer) assert.ok(queueMs >= 0 && inferenceMs >= 0);
  });

  it("answers everything exactly once, whatever comes", async () => {
    const lengths = fc.array(fc.array(fc.integer({ min: 1, max: 30 }), { maxLength: 6 }), { maxLength: 20 });
    await fc.assert(
      fc.asyncProperty(lengths, fc.integer({ min: 1, max: 40 }), async (requests, maxBatchTokens) => {
        let waiting = 0;
        const queue = new Batcher<Text, number>({
          run: async (batch) => batch.map(({ ids }) => ids.length),
          maxBatchTokens,
          observer: { waiting: (change) => (waiting += change) },
        });
        const answers = requests.map((items) => queue.submit(items.map((length) => text("x", length))));
        const got = (await Promise.all(answers)).map((answer) => answer.map(({ result }) => result));
        assert.deepEqual(got, requests);
        assert.equal(waiting, 0);
      }),
      { numRuns: 50 },
    );
  });
});
