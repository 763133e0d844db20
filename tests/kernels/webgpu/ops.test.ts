import { GpuDevice } from "../../../src/core/gpu/gpu-device.ts";
import { matmulTiles } from "../../../src/kernels/webgpu/matmul-tiles.ts";
import { describeOps } from "../../support/describe-ops.ts";
import { ALL_OP_CASES, longCacheCases } from "../../support/op-cases.ts";
import { webGpuTestBackend } from "../../support/webgpu.ts";

/** float32 throughout: what is left is the order of sums, and exp to a few ulp. */
const TOLERANCE = 1e-5;
/** Software adapters take the kernels for small subgroups; without subgroups they take those of hardware. */
const withoutFeatures = ["subgroups"] as const;
const limits = { maxStorageBufferBindingSize: 32_768, maxBufferSize: 2 ** 18, maxComputeWorkgroupsPerDimension: 7 };

const cases = [...ALL_OP_CASES, ...longCacheCases];

describeOps("webgpu", () => webGpuTestBackend(), cases, TOLERANCE);
describeOps("webgpu without subgroups", () => webGpuTestBackend({ withoutFeatures }), cases, TOLERANCE);
describeOps("webgpu, all split by small limits", () => webGpuTestBackend({ limits }), ALL_OP_CASES, TOLERANCE);
describeOps(
  "webgpu with guarded accesses",
  () => webGpuTestBackend({ robustness: true, withoutFeatures }),
  ALL_OP_CASES.filter((_, i) => i % 3 === 0),
  TOLERANCE,
);

const FEW_ROWS = /(linear|gateUp) (\d|1[0-6])×/;

// Every tile that products may be given on this adapter.
const device = await GpuDevice.open({ allowSoftware: true });
const products = ALL_OP_CASES.filter(({ name }) => /^(linear|gateUp)/.test(name));
for (const { name, mostRows = Infinity } of matmulTiles(device)) {
  const possible = products.filter((opCase) => mostRows === Infinity || FEW_ROWS.test(opCase.name));
  const some = possible.filter((_, i) => i % 3 === 0);
  describeOps(`webgpu with tile ${name}`, () => webGpuTestBackend({ tile: name }), some, TOLERANCE);
}
device.dispose();
