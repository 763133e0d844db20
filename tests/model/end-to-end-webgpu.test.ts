import { describeEndToEnd } from "../support/sentence-transformers.ts";
import { webGpuTestBackend } from "../support/webgpu.ts";

/** Software adapters are slow: every third text, the long ones left to wasm. */
describeEndToEnd("webgpu", () => webGpuTestBackend(), { tolerance: 2e-6, maxTokens: 200, every: 3 });
