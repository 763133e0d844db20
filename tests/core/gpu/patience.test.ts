import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Patience } from "../../../src/core/gpu/patience.ts";

/** A GPU that does a million operations a millisecond, one submission after the other, and a clock that only it moves. */
class FakeGpu {
  readonly patience = new Patience({ now: () => this.now, sleep: async (ms) => void (this.now += ms) });
  now = 0;
  /** Milliseconds it was asked for, of each submission. */
  readonly asked: number[] = [];
  speed = 1e6;
  #free = 0;

  /** Submits work; the time when it is known to be done. */
  async run(operations: number): Promise<number> {
    const end = (this.#free = Math.max(this.#free, this.now) + operations / this.speed);
    return await this.patience.until(operations, async () => {
      this.asked.push(Math.max(0, end - this.now));
      return (this.now = Math.max(this.now, end));
    });
  }
}

describe("Patience", () => {
  it("asks all the time at first, then only for the last part of what work like it took", async () => {
    const gpu = new FakeGpu();
    assert.equal(await gpu.run(50e6), 50);
    assert.equal(await gpu.run(50e6), 100);
    assert.equal(await gpu.run(40e6), 140);
    assert.deepEqual(gpu.asked, [50, 11, 9]);
  });

  it("is told nothing by work of another size, and does not sleep where timers are too coarse", async () => {
    const gpu = new FakeGpu();
    for (const operations of [50e6, 5e6, 2e6, 2e6]) await gpu.run(operations);
    assert.deepEqual(gpu.asked, [50, 5, 2, 2]);
  });

  it("counts from the end of the work before, so that waiting in line teaches nothing wrong", async () => {
    const gpu = new FakeGpu();
    await Promise.all([gpu.run(50e6), gpu.run(50e6), gpu.run(50e6)]);
    assert.equal(gpu.now, 150);
    assert.deepEqual(gpu.asked, [50, 11, 11]);
  });

  it("learns in a few turns that work became faster, and forgets a lucky time", async () => {
    const gpu = new FakeGpu();
    for (let n = 0; n < 2; n++) await gpu.run(50e6);
    gpu.speed = 10e6;
    const before = gpu.now;
    for (let n = 0; n < 12; n++) await gpu.run(50e6);
    assert.ok((gpu.asked.at(-1) ?? 0) > 0, "asked before the end");
    assert.ok(gpu.now - before < 250, `${gpu.now - before} ms for 12 × 5`);
    gpu.speed = 1e6;
    for (let n = 0; n < 60; n++) await gpu.run(50e6);
    assert.ok((gpu.asked.at(-1) ?? 50) < 12, `asked for ${gpu.asked.at(-1)} of 50 ms`);
  });

  it("lets work after work that failed go on", async () => {
    const gpu = new FakeGpu();
    await assert.rejects(gpu.patience.until(1, async () => Promise.reject(new Error("lost"))), /lost/);
    assert.equal(await gpu.run(50e6), 50);
  });
});
