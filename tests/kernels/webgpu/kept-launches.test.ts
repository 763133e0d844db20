import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { GpuDevice } from "../../../src/core/gpu/gpu-device.ts";
import { EmbeddingModel } from "../../../src/index.ts";
import type { RotaryTable } from "../../../src/kernels/backend.ts";
import { SessionWeights } from "../../../src/kernels/webgpu/check-session.ts";
import { activationOf, noise, weightsOf } from "../../../src/kernels/webgpu/check-operands.ts";
import { GpuSession } from "../../../src/kernels/webgpu/gpu-session.ts";
import type { Dispatch } from "../../../src/kernels/webgpu/kernel.ts";
import type { Program } from "../../../src/kernels/webgpu/program.ts";
import { ProgramPlanner } from "../../../src/kernels/webgpu/program-planner.ts";
import { WebGpuRecording } from "../../../src/kernels/webgpu/webgpu-recording.ts";
import { webGpuTestBackend } from "../../support/webgpu.ts";

const HEAD_DIM = 8;
const rotary: RotaryTable = { positions: 64, halfDim: 4, cos: noise(256, 1), sin: noise(256, 2) };

interface Batch {
  readonly rows?: number;
  readonly firstPosition?: number;
  /** Keys of the first of two texts. */
  readonly first?: number;
  readonly rotary?: RotaryTable;
}

describe("dispatches kept from batch to batch", () => {
  let device: GpuDevice;
  let session: GpuSession;
  let record: (batch: Batch) => Promise<Program>;
  before(async () => {
    device = await GpuDevice.open({ allowSoftware: true });
    session = new GpuSession(device);
    const weights = new SessionWeights(session);
    const qkvProj = await weights.loadMatrix(weightsOf(4 * HEAD_DIM, 16, "BF16", 3), "product");
    const [norm, qNorm, kNorm] = [16, HEAD_DIM, HEAD_DIM].map((width, i) => weights.loadNorm(`norm ${i}`, noise(width, i), 1e-6)); // oxfmt-ignore
    assert.ok(norm && qNorm && kNorm);
    const heads = { qkvProj, numAttentionHeads: 2, numKeyValueHeads: 1, qNorm, kNorm };
    record = async ({ rows = 6, firstPosition = 0, first = 2, rotary: table = rotary }) => {
      const programs: Program[] = [];
      const ops = new WebGpuRecording(async (program) => {
        programs.push(program);
        return [];
      });
      const x = await activationOf(weights, ops, noise(rows * 16, rows), 16);
      const positions = Uint32Array.from({ length: rows }, (_, i) => firstPosition + i);
      const qkv = ops.qkv(ops.rmsNorm(x, norm), heads, { positions, rotary: table });
      const segments = [
        { queryStart: 0, queryLength: first, keyStart: 0, keyLength: first, prefixStart: 0, prefixLength: 0 },
        { queryStart: first, queryLength: rows - first, keyStart: first, keyLength: rows - first, prefixStart: 0, prefixLength: 0 }, // oxfmt-ignore
      ];
      await ops.read(ops.attention(qkv, { headDim: HEAD_DIM, segments }));
      return programs[0] as Program;
    };
  });
  after(() => device.dispose());

  /** Names of the kernels whose dispatches the second batch has for itself. */
  async function renewed(one: Batch, other: Batch, between?: (planner: ProgramPlanner) => unknown): Promise<string[]> {
    const planner = new ProgramPlanner(device);
    const plan = async (batch: Batch): Promise<readonly Dispatch[]> =>
      planner.plan(await record(batch), session.matmuls).dispatches;
    const earlier = new Set(await plan(one));
    await between?.(planner);
    return (await plan(other)).filter((dispatch) => !earlier.has(dispatch)).map(({ kernel }) => kernel.name.split("-")[0] ?? ""); // oxfmt-ignore
  }

  it("are all but the token rows' where lengths are the same", async () => {
    assert.deepEqual(await renewed({}, {}), ["embed"]);
  });

  it("are made anew where the batch's own data differ", async () => {
    assert.deepEqual(await renewed({}, { firstPosition: 5 }), ["embed", "head"]);
    assert.deepEqual(await renewed({}, { rotary: { ...rotary } }), ["embed", "head"]);
    assert.deepEqual(await renewed({}, { first: 3 }), ["embed", "attention"]);
    assert.deepEqual(await renewed({}, { rows: 7 }), ["embed", "rms", "matmul", "head", "attention"]);
  });

  it("are made anew where memory moved or kernels are chosen again", async () => {
    const all = ["embed", "rms", "matmul", "head", "attention"];
    assert.deepEqual(await renewed({}, {}, async (planner) => planner.plan(await record({ rows: 200 }), session.matmuls)), all); // oxfmt-ignore
    assert.deepEqual(await renewed({}, {}, (planner) => planner.forget()), all);
  });

  it("leave every batch the result that it has alone", async () => {
    const options = { autotune: false, selfCheck: false };
    const lengths = [[16], [9], [16], [4, 12], [16], [300], [9], [12, 4], [600, 100], [350, 350], [16]];
    const batches = lengths.map((batch, n) =>
      batch.map((length) => Uint32Array.from({ length }, (_, i) => 50 + i * 3 + n)),
    );
    const shared = await EmbeddingModel.load(undefined, { backend: await webGpuTestBackend(options) });
    const together = [];
    for (const batch of batches) together.push(await shared.encodeIds(batch));
    await shared.dispose();
    for (const [n, batch] of batches.entries()) {
      const model = await EmbeddingModel.load(undefined, { backend: await webGpuTestBackend(options) });
      assert.deepEqual(together[n], await model.encodeIds(batch), `batch ${n}`);
      await model.dispose();
    }
  });
});
