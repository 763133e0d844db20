import { describeTopK } from "../support/top-k.ts";
import { webGpuTestBackend } from "../support/webgpu.ts";

describeTopK("webgpu", () => webGpuTestBackend());
