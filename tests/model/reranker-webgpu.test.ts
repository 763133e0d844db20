import { describeReranker } from "../support/reranker.ts";
import { webGpuTestBackend } from "../support/webgpu.ts";

describeReranker("webgpu", webGpuTestBackend, {
  bundled: 2e-5,
  mini: 1e-5,
  sharing: 2e-6,
  sample: { maxTokens: 200, every: 4 },
});
