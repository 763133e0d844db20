import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Activation, MatrixSource, QkvResult, Recording, Segment } from "../../../src/kernels/backend.ts";
import { ReferenceBackend } from "../../../src/kernels/reference/reference-backend.ts";
import { assertClose } from "../../support/close.ts";

const EXACT = { rtol: 1e-6, atol: 1e-7 };

function matrix(rows: number, columns: number, value: (row: number, column: number) => number): MatrixSource {
  return {
    name: "test",
    rows,
    columns,
    dtype: "F32",
    async readRows(start, count, into) {
      const values = Float32Array.from({ length: count * columns }, (_, i) =>
        value(start + Math.floor(i / columns), i % columns),
      );
      into.set(new Uint8Array(values.buffer));
    },
  };
}

/** Some values without a pattern that a mistake could hide in. */
const wave = (row: number, column: number): number => Math.sin(1 + row * 3.7 + column * 1.3);

async function input(backend: ReferenceBackend, ops: Recording, rows: number, width: number): Promise<Activation> {
  const table = await backend.loadMatrix(matrix(rows, width, wave));
  return ops.embed(
    table,
    Uint32Array.from({ length: rows }, (_, i) => i),
  );
}

const segment = (fields: Partial<Segment>): Segment => ({
  queryStart: 0,
  queryLength: 1,
  keyStart: 0,
  keyLength: 1,
  prefixStart: 0,
  prefixLength: 0,
  ...fields,
});

describe("reference operations", () => {
  it("rmsNorm divides by the root mean square", async () => {
    const backend = new ReferenceBackend();
    const ops = backend.record();
    const x = ops.embed(await backend.loadMatrix(matrix(1, 2, (_, column) => [3, 4][column] ?? 0)), Uint32Array.of(0));
    const [out = []] = await ops.read(ops.rmsNorm(x, backend.loadNorm("n", Float32Array.of(1, 2), 0)));
    const rms = Math.sqrt((9 + 16) / 2);
    assertClose(out, [3 / rms, (2 * 4) / rms], EXACT, "rmsNorm");
  });

  it("linear multiplies with the transposed weight and adds the residual", async () => {
    const backend = new ReferenceBackend();
    const ops = backend.record();
    const x = ops.embed(await backend.loadMatrix(matrix(1, 2, (_, column) => column + 1)), Uint32Array.of(0)); // [1, 2]
    const weight = await backend.loadMatrix(matrix(2, 2, (row, column) => 10 * row + column)); // [[0, 1], [10, 11]]
    const [out = []] = await ops.read(ops.linear(x, weight, { residual: x }));
    assertClose(out, [2 + 1, 32 + 2], EXACT, "linear");
  });

  it("gateUp applies silu to even rows only", async () => {
    const backend = new ReferenceBackend();
    const ops = backend.record();
    const x = ops.embed(await backend.loadMatrix(matrix(1, 1, () => 1)), Uint32Array.of(0));
    const [out = []] = await ops.read(ops.gateUp(x, await backend.loadMatrix(matrix(4, 1, (row) => row + 1)))); // gates 1, 3; ups 2, 4
    const silu = (value: number): number => value / (1 + Math.exp(-value));
    assertClose(out, [silu(1) * 2, silu(3) * 4], EXACT, "gateUp");
  });

  it("normalize cuts, scales to length 1, and leaves zeros", async () => {
    const backend = new ReferenceBackend();
    const ops = backend.record();
    const table = await backend.loadMatrix(matrix(2, 3, (row, column) => (row === 0 ? ([3, 4, 12][column] ?? 0) : 0)));
    const [out = []] = await ops.read(ops.normalize(ops.embed(table, Uint32Array.of(0, 1)), 2));
    assertClose(out, [0.6, 0.8, 0, 0], EXACT, "normalize");
  });

  it("qkv for some query rows equals those rows of all", async () => {
    const backend = new ReferenceBackend();
    const ops = backend.record();
    const x = await input(backend, ops, 4, 6);
    const norm = backend.loadNorm("n", Float32Array.of(1, 2, 0.5, 1.5), 1e-6);
    const weights = {
      qkvProj: await backend.loadMatrix(matrix(16, 6, wave)),
      numAttentionHeads: 2,
      numKeyValueHeads: 1,
      qNorm: norm,
      kNorm: norm,
    };
    const rotary = {
      positions: 4,
      halfDim: 2,
      cos: Float32Array.from({ length: 8 }, (_, i) => Math.cos(i)),
      sin: Float32Array.from({ length: 8 }, (_, i) => Math.sin(i)),
    };
    const options = { positions: Uint32Array.of(0, 1, 2, 3), rotary };
    const all = ops.qkv(x, weights, options);
    const some = ops.qkv(x, weights, { ...options, queryRows: Uint32Array.of(3, 1) });
    const [expected, actual, k, sameK] = await ops.read(
      ops.gatherRows(all.q, Uint32Array.of(3, 1)),
      some.q,
      all.k,
      some.k,
    );
    assert.deepEqual(actual, expected);
    assert.deepEqual(sameK, k);
  });
});

describe("reference attention", () => {
  const headDim = 4;
  const width = { q: 8, kv: 4 };

  async function qkv(backend: ReferenceBackend, ops: Recording, rows: number): Promise<QkvResult> {
    const all = await input(backend, ops, rows, width.q);
    const pick = async (start: number): Promise<Activation> => {
      return ops.linear(
        all,
        await backend.loadMatrix(matrix(width.kv, width.q, (row, column) => (column === row + start ? 1 : 0))),
      );
    };
    return { q: all, k: await pick(0), v: await pick(4) };
  }

  it("is causal, and blind to other segments", async () => {
    const backend = new ReferenceBackend();
    const ops = backend.record();
    const both = await qkv(backend, ops, 5);
    const segments = [
      segment({ queryLength: 2, keyLength: 2 }),
      segment({ queryStart: 2, queryLength: 3, keyStart: 2, keyLength: 3 }),
    ];
    const [packed = new Float32Array()] = await ops.read(ops.attention(both, { headDim, segments }));
    const first = backend.record();
    const [alone] = await first.read(
      first.attention(await qkv(backend, first, 2), { headDim, segments: segments.slice(0, 1) }),
    );
    assert.deepEqual(packed.slice(0, 2 * width.q), alone);
    const [firstRow] = [packed.slice(0, width.q)];
    const v0 = Float32Array.from({ length: 4 }, (_, i) => wave(0, 4 + i));
    assertClose(firstRow, [...v0, ...v0], EXACT, "a token that sees only itself gets its own value");
  });

  it("sees a shared prefix as if it stood before the segment", async () => {
    const backend = new ReferenceBackend();
    const ops = backend.record();
    const rows = await qkv(backend, ops, 6);
    const whole = ops.attention(rows, { headDim, segments: [segment({ queryLength: 6, keyLength: 6 })] });
    const shared = ops.attention(rows, {
      headDim,
      segments: [
        segment({ queryLength: 2, keyLength: 2 }),
        segment({ queryStart: 2, queryLength: 4, keyStart: 2, keyLength: 4, prefixStart: 0, prefixLength: 2 }),
      ],
    });
    const [expected, actual] = await ops.read(whole, shared);
    assert.deepEqual(actual, expected);
  });

  it("gives a token decoded over a cache what the whole sequence gives it", async () => {
    const backend = new ReferenceBackend();
    const ops = backend.record();
    const rows = await qkv(backend, ops, 4);
    const whole = ops.attention(rows, { headDim, segments: [segment({ queryLength: 4, keyLength: 4 })] });
    const store = backend.createKvCache({ layers: 1, slots: 10, keyValueWidth: width.kv });
    const part = (indices: Uint32Array): QkvResult => ({
      q: ops.gatherRows(rows.q, indices),
      k: ops.gatherRows(rows.k, indices),
      v: ops.gatherRows(rows.v, indices),
    });
    ops.attention(part(Uint32Array.of(0, 1, 2)), {
      headDim,
      segments: [segment({ queryLength: 3, keyStart: 5, keyLength: 3 })],
      cache: { store, layer: 0, slots: Uint32Array.of(5, 6, 7) },
    });
    const step = ops.attention(part(Uint32Array.of(3)), {
      headDim,
      segments: [segment({ keyStart: 5, keyLength: 4 })],
      cache: { store, layer: 0, slots: Uint32Array.of(8) },
    });
    const [expected = new Float32Array(), actual] = await ops.read(whole, step);
    assert.deepEqual(actual, expected.slice(-width.q));
    assert.equal(backend.memory.cache, 2 * 10 * width.kv * 4);
  });
});

describe("ReferenceBackend", () => {
  it("refuses what another backend made", async () => {
    const ops = new ReferenceBackend().record();
    const foreign = { name: "w", rows: 1, columns: 1 };
    assert.throws(() => ops.embed(foreign, Uint32Array.of(0)), /this matrix 'w' belongs to another backend/);
    assert.throws(
      () => ops.gatherRows({ rows: 1, width: 1 }, Uint32Array.of(0)),
      /this activation belongs to another backend/,
    );
  });

  it("runs kernels given in place of its own", async () => {
    const backend = new ReferenceBackend({ gatherRows: (x) => x });
    const ops = backend.record();
    const x = await input(backend, ops, 2, 2);
    assert.equal(ops.gatherRows(x, Uint32Array.of(0)), x);
  });

  it("is of no use once disposed", async () => {
    const backend = new ReferenceBackend();
    await backend.dispose();
    await backend.dispose();
    assert.throws(() => backend.record(), { code: "disposed" });
    assert.equal(backend.memory.weights, 0);
  });
});
