import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { describe, it } from "node:test";
import { promisify } from "node:util";
import { setImmediate } from "node:timers/promises";
import { createBackend, Qwen3Error } from "../../../src/index.ts";
import type { Activation, Backend, Recording } from "../../../src/kernels/backend.ts";
import { activationOf, noise, randomMatrix } from "../../support/random-operands.ts";
import { rowsModule } from "../../support/wasm-module.ts";

const TRAP = [0x00]; // unreachable
const FOREVER = [0x03, 0x40, 0x0c, 0x00, 0x0b]; // loop, branch to it

const execute = promisify(execFile);

async function gather(backend: Backend): Promise<Float32Array[]> {
  const ops = backend.record();
  return await ops.read(ops.gatherRows(await activationOf(backend, ops, noise(8, 1), 4), Uint32Array.of(1)));
}

async function product(backend: Backend): Promise<Float32Array> {
  const ops = backend.record();
  const x = await activationOf(backend, ops, noise(70 * 33, 1), 33);
  const [out = new Float32Array()] = await ops.read(await chain(backend, ops, x));
  return out;
}

/** Enough jobs for threads to meet at many barriers. */
async function chain(backend: Backend, ops: Recording, x: Activation): Promise<Activation> {
  const weight = await backend.loadMatrix(randomMatrix(33, 33, "BF16", 2), "product");
  let y = x;
  for (let i = 0; i < 40; i++) y = ops.linear(y, weight, { residual: x });
  return y;
}

describe("threads of the wasm backend", () => {
  it("give the same bits however many they are", async () => {
    const results: Float32Array[] = [];
    for (const threads of [1, 2, 3, 5]) {
      const backend = await createBackend({ kind: "wasm", threads });
      results.push(await product(backend));
      await backend.dispose();
    }
    for (const result of results) assert.deepEqual(result, results[0]);
  });

  it("run the reads of one backend in order, and many of them", async () => {
    const backend = await createBackend({ kind: "wasm", threads: 3 });
    const expected = await product(backend);
    const results = await Promise.all(Array.from({ length: 25 }, () => product(backend)));
    for (const result of results) assert.deepEqual(result, expected);
    await backend.dispose();
  });

  it("leave the main thread free", async () => {
    const backend = await createBackend({ kind: "wasm", threads: 1 });
    const state = { done: false };
    const running = product(backend).finally(() => (state.done = true));
    let turns = 0;
    while (!state.done) {
      await setImmediate();
      turns++;
    }
    await running;
    assert.ok(turns > 10, `${turns} turns of the event loop while threads computed`);
    await backend.dispose();
  });

  it("fail one read, not all, when a worker dies", async () => {
    const backend = await createBackend({ kind: "wasm", threads: 2, kernels: { rows: rowsModule(TRAP) } });
    const expected = await product(backend);
    await assert.rejects(gather(backend), (error) => error instanceof Qwen3Error && error.code === "device");
    assert.deepEqual(await product(backend), expected);
    await backend.dispose();
  });

  it("say which kernel it was that failed", async () => {
    const backend = await createBackend({ kind: "wasm", threads: 1, kernels: { rows: rowsModule(TRAP) } });
    await assert.rejects(gather(backend), /kernel 'gatherRows': unreachable/);
    await backend.dispose();
  });

  it("end with dispose, also in the middle of a kernel", async () => {
    const backend = await createBackend({ kind: "wasm", threads: 2, kernels: { rows: rowsModule(FOREVER) } });
    await product(backend); // the threads have started
    const ended = assert.rejects(gather(backend), (error) => error instanceof Qwen3Error && error.code === "disposed");
    await setImmediate();
    await backend.dispose();
    await ended;
    await backend.dispose();
    assert.throws(() => backend.record(), /disposed/);
  });

  it("let the process end, disposed or not", async () => {
    const library = new URL("../../../src/index.js", import.meta.url).href;
    for (const end of ["await backend.dispose();", ""]) {
      const script = `
        import { createBackend } from ${JSON.stringify(library)};
        const backend = await createBackend({ kind: "wasm", threads: 2 });
        const ops = backend.record();
        const source = { name: "x", rows: 1, columns: 4, dtype: "F32", readRows: async (_, __, into) => into.fill(0) };
        const table = await backend.loadMatrix(source, "table");
        const [values] = await ops.read(ops.embed(table, Uint32Array.of(0)));
        ${end}
        console.log(values.length);`;
      // It is ended, and the test fails, where it does not end by itself.
      const { stdout } = await execute(process.execPath, ["--input-type=module", "-e", script], { timeout: 120_000 });
      assert.equal(stdout, "4\n");
    }
  });

  it("refuse a number that makes no sense", async () => {
    for (const threads of [0, -1, 1.5, Number.NaN, 100_000]) {
      await assert.rejects(createBackend({ kind: "wasm", threads }), /expected a whole number from 1/);
    }
  });
});
