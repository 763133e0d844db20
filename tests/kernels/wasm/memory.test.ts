import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { describe, it } from "node:test";
import { promisify } from "node:util";
import { createBackend, Qwen3Error } from "../../../src/index.ts";
import type { Backend } from "../../../src/kernels/backend.ts";
import { activationOf, noise, randomMatrix } from "../../support/random-operands.ts";

const execute = promisify(execFile);

async function product(backend: Backend): Promise<Float32Array | undefined> {
  const ops = backend.record();
  const x = await activationOf(backend, ops, noise(70 * 33, 1), 33);
  const weight = await backend.loadMatrix(randomMatrix(33, 33, "BF16", 2), "product");
  const [out] = await ops.read(ops.linear(x, weight));
  return out;
}

function isTooLarge(error: unknown): boolean {
  return error instanceof Qwen3Error && error.code === "too-large";
}

describe("memory of the wasm backend", () => {
  it("goes on after a batch that is too large for it", async () => {
    const backend = await createBackend({ kind: "wasm", threads: 2 });
    const expected = await product(backend);
    const ops = backend.record();
    const x = await activationOf(backend, ops, noise(4096, 1), 4096);
    await assert.rejects(ops.read(ops.gatherRows(x, new Uint32Array(270_000))), isTooLarge);
    const cache = backend.createKvCache({ layers: 2, slots: 100, keyValueWidth: 64 }, "growth");
    assert.deepEqual(await product(backend), expected);
    cache.dispose();
    await backend.dispose();
  });

  it("refuses a cache that no memory can hold, and takes no addresses for it", async () => {
    const backend = await createBackend({ kind: "wasm", threads: 1 });
    const size = { layers: 36, slots: 40_000, keyValueWidth: 1024 };
    for (let n = 0; n < 3; n++) assert.throws(() => backend.createKvCache(size, "growth"), isTooLarge);
    assert.equal(backend.memory.cache, 0);
    await backend.dispose();
  });

  it("refuses to copy slots that a cache has not got, or of another shape", async () => {
    const backend = await createBackend({ kind: "wasm", threads: 1 });
    const expected = await product(backend);
    const create = (slots: number, layers = 2): ReturnType<Backend["createKvCache"]> =>
      backend.createKvCache({ layers, slots, keyValueWidth: 8 }, "growth");
    const [small, large] = [create(4), create(9)];
    assert.throws(() => small.copyFrom(large, [{ from: 0, to: 0, count: 5 }]), /5 slots from 0 to 0 leave a cache/);
    assert.throws(() => large.copyFrom(small, [{ from: 2, to: 0, count: 3 }]), /3 slots from 2 to 0 leave a cache/);
    assert.throws(() => large.copyFrom(create(4, 3), []), /a cache of 2 layers .* one of 3 layers/);
    assert.deepEqual(await product(backend), expected);
    await backend.dispose();
  });

  it("is given back by dispose, whoever still holds the backend", async () => {
    const library = new URL("../../../src/index.js", import.meta.url).href;
    const script = `
      import { createBackend } from ${JSON.stringify(library)};
      import { setTimeout } from "node:timers/promises";
      const backend = await createBackend({ kind: "wasm", threads: 1 });
      const source = { name: "x", rows: 16_384, columns: 4096, dtype: "F32", readRows: async (_, __, into) => into.fill(1) };
      await backend.loadMatrix(source, "product");
      await backend.prepare({});
      const before = process.memoryUsage.rss();
      await backend.dispose();
      let after = before;
      for (let n = 0; n < 100 && after > before - 2 ** 27; n++) {
        globalThis.gc();
        await setTimeout(20);
        after = process.memoryUsage.rss();
      }
      console.log(backend.memory.weights, before - after > 2 ** 27);`;
    const args = ["--expose-gc", "--input-type=module", "-e", script];
    const { stdout } = await execute(process.execPath, args, { timeout: 120_000 });
    assert.equal(stdout, "0 true\n");
  });
});
