import { WebGpuBackend, type WebGpuBackendOptions } from "../../src/kernels/webgpu/webgpu-backend.ts";

/** The backend on whatever adapter `npm test` found or brought: without one, tests fail. */
export function webGpuTestBackend(options: WebGpuBackendOptions = {}): Promise<WebGpuBackend> {
  return WebGpuBackend.create({ allowSoftware: true, ...options });
}
