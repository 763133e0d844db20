import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createBackend, type Backend, Qwen3Error, type Segment } from "../../../src/index.ts";
import { GpuDevice } from "../../../src/core/gpu/gpu-device.ts";
import { ReferenceBackend } from "../../../src/kernels/reference/reference-backend.ts";
import { matmulTiles } from "../../../src/kernels/webgpu/matmul-tiles.ts";
import { assertClose } from "../../support/close.ts";
import { activationOf, noise, randomMatrix } from "../../support/random-operands.ts";
import { webGpuTestBackend } from "../../support/webgpu.ts";

function segment(start: number, length: number): Segment {
  const own = { queryStart: start, queryLength: length, keyStart: start, keyLength: length };
  return { ...own, prefixStart: 0, prefixLength: 0 };
}

async function attend(backend: Backend, segments: readonly Segment[]): Promise<Float32Array> {
  const ops = backend.record();
  const qkv = {
    q: await activationOf(backend, ops, noise(8 * 16, 3), 16),
    k: await activationOf(backend, ops, noise(8 * 8, 4), 8),
    v: await activationOf(backend, ops, noise(8 * 8, 5), 8),
  };
  const [out = new Float32Array()] = await ops.read(ops.attention(qkv, { headDim: 8, segments }));
  return out;
}

/** down(gateUp(x)), so that padding of the intermediate rows is multiplied with. */
async function mlp(backend: Backend, intermediate: number): Promise<Float32Array> {
  const gateUp = await backend.loadMatrix(randomMatrix(2 * intermediate, 16, "BF16", 6), "product");
  const down = await backend.loadMatrix(randomMatrix(16, intermediate, "BF16", 7), "product");
  const ops = backend.record();
  // What these rows leave behind in memory is not to be found in the padding.
  const infinite = ops.linear(await activationOf(backend, ops, new Float32Array(3 * 16).fill(3e38), 16), gateUp);
  const x = await activationOf(backend, ops, noise(3 * 16, 8), 16);
  const [, out = new Float32Array()] = await ops.read(infinite, ops.linear(ops.gateUp(x, gateUp), down));
  return out;
}

describe("a recording of the WebGPU backend", () => {
  it("takes a host array that was changed after it was read for what it is now", async () => {
    const backend = await webGpuTestBackend();
    const two = [segment(0, 4), segment(4, 4)];
    const uneven = [segment(0, 2), segment(2, 6)];
    const [expected, other] = [await attend(backend, uneven), await attend(backend, two)];
    assert.notDeepEqual(expected, other);
    const list = [...two];
    await attend(backend, list);
    list.splice(0, 2, ...uneven);
    assert.deepEqual(await attend(backend, list), expected);
    assert.deepEqual(await attend(backend, two), other);
    await backend.dispose();
  });

  it("leaves zeros between rows of any width, whatever tile computes them", async () => {
    const reference = new ReferenceBackend();
    const device = await GpuDevice.open({ allowSoftware: true });
    const tiles = matmulTiles(device).map(({ name }) => name);
    device.dispose();
    for (const tile of tiles) {
      const backend = await webGpuTestBackend({ tile });
      for (const intermediate of [5, 6, 7])
        assertClose(await mlp(backend, intermediate), await mlp(reference, intermediate), { rtol: 1e-5, atol: 1e-6 }, `${tile}, ${intermediate}`); // oxfmt-ignore
      await backend.dispose();
    }
  });

  it("refuses operands that do not fit, and rows that are not there", async () => {
    const backend = await webGpuTestBackend();
    const weight = await backend.loadMatrix(randomMatrix(8, 16, "BF16", 6), "product-and-table");
    const ops = backend.record();
    const x = await activationOf(backend, ops, noise(3 * 32, 8), 32);
    assert.throws(() => ops.linear(x, weight), /an activation 32 wide .* which has 16 columns/);
    assert.throws(() => ops.gatherRows(x, Uint32Array.of(0, 3)), /row 3 was asked for of an activation, which has 3/);
    assert.throws(() => ops.embed(weight, Uint32Array.of(8)), /row 8 was asked for of table/);
    await backend.dispose();
  });

  it("is of a backend that knows the kernels it was given", async () => {
    const kernels = { matmul_tiled: "nonsense" };
    await assert.rejects(createBackend({ kind: "webgpu", allowSoftware: true, kernels }), (error) => {
      return error instanceof Qwen3Error && /no kernel is called 'matmul_tiled'.*matmul-tiled/.test(error.message);
    });
  });
});
