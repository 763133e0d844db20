import { GpuDevice } from "../../src/core/gpu/gpu-device.ts";
import { subgroupMatrixTiles } from "../../src/kernels/webgpu/subgroup-matrix-tiles.ts";
import { describeGoldens, type GoldenTolerances, type MiniModel } from "../support/goldens.ts";
import { webGpuTestBackend } from "../support/webgpu.ts";

/** float32 sums; see the goldens' README for the size of transformers' own rounding. */
const float32: GoldenTolerances = { hidden: { rtol: 2e-5, atol: 1e-6 }, pooled: 5e-6, cosine: 1e-10, logits: 5e-5 };
const tolerances: Record<MiniModel, GoldenTolerances> = {
  "mini-embed": float32,
  "mini-causal": float32,
  "mini-wide": float32,
  "mini-outlier": float32,
};

describeGoldens("webgpu", () => webGpuTestBackend(), tolerances);
// Dawn's own guards must change nothing: our kernels leave no buffer.
describeGoldens("webgpu with guarded accesses", () => webGpuTestBackend({ robustness: true }), tolerances);

// Products by float16 parts, if the adapter has units for them, are as good.
const device = await GpuDevice.open({ allowSoftware: true });
const [matrices] = subgroupMatrixTiles(device);
device.dispose();
if (matrices) {
  const { name: tile } = matrices;
  describeGoldens(`webgpu with tile ${tile}`, () => webGpuTestBackend({ tile }), tolerances);
}
