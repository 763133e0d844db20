import { describeGeneration } from "../support/generation.ts";
import { webGpuTestBackend } from "../support/webgpu.ts";

describeGeneration("webgpu", webGpuTestBackend, { logits: 5e-5 });
