import type { MatrixSource, MatrixUse } from "../backend.ts";
import type { CheckBackend } from "./check-operands.ts";
import { GpuMatrix } from "./gpu-matrix.ts";
import { GpuNorm } from "./gpu-norm.ts";
import type { GpuSession } from "./gpu-session.ts";
import { HostTable } from "../host-table.ts";

/** Weights on a session's device that are freed when the checks are done. */
export class SessionWeights implements CheckBackend {
  readonly #session: GpuSession;
  readonly #matrices: GpuMatrix[] = [];
  readonly #norms: GpuNorm[] = [];

  constructor(session: GpuSession) {
    this.#session = session;
  }

  async loadMatrix(source: MatrixSource, use: MatrixUse): Promise<GpuMatrix | HostTable> {
    if (use === "table") return HostTable.read(source);
    const matrix = new GpuMatrix(source);
    await matrix.upload(this.#session.device);
    this.#matrices.push(matrix);
    return matrix;
  }

  loadNorm(name: string, weight: Float32Array, eps: number): GpuNorm {
    const norm = new GpuNorm(this.#session.device, name, weight, eps);
    this.#norms.push(norm);
    return norm;
  }

  destroy(): void {
    for (const matrix of this.#matrices) matrix.destroy();
    for (const { buffer } of this.#norms) buffer.destroy();
  }
}
