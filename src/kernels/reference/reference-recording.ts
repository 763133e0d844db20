import { setImmediate } from "node:timers/promises";
import type {
  Activation,
  AttentionOptions,
  Matrix,
  Norm,
  QkvOptions,
  QkvResult,
  QkvWeights,
  Recording,
} from "../backend.ts";
import { foreign } from "./foreign.ts";
import { hostKvCache } from "./host-kv-cache.ts";
import { HostMatrix } from "./host-matrix.ts";
import type { HostNorm } from "./host-norm.ts";
import { HostTensor } from "./host-tensor.ts";
import type { ReferenceKernels } from "./kernels.ts";

/** Runs every operation at once; only the types say "recording". */
export class ReferenceRecording implements Recording {
  readonly #kernels: ReferenceKernels;

  constructor(kernels: ReferenceKernels) {
    this.#kernels = kernels;
  }

  embed(table: Matrix, ids: Uint32Array): HostTensor {
    return this.#kernels.embed(hostMatrix(table), ids);
  }

  rmsNorm(x: Activation, norm: Norm): HostTensor {
    return this.#kernels.rmsNorm(hostTensor(x), hostNorm(norm));
  }

  qkv(x: Activation, weights: QkvWeights, options: QkvOptions): QkvResult {
    const { numAttentionHeads, numKeyValueHeads } = weights;
    const qkvProj = hostMatrix(weights.qkvProj);
    const qNorm = hostNorm(weights.qNorm);
    const kNorm = hostNorm(weights.kNorm);
    return this.#kernels.qkv(hostTensor(x), { qkvProj, numAttentionHeads, numKeyValueHeads, qNorm, kNorm }, options);
  }

  attention(qkv: QkvResult, options: AttentionOptions): HostTensor {
    const own = { q: hostTensor(qkv.q), k: hostTensor(qkv.k), v: hostTensor(qkv.v) };
    const { cache } = options;
    const all = cache ? hostKvCache(cache.store).append(own, cache.layer, cache.slots) : own;
    return this.#kernels.attention(all, options);
  }

  linear(x: Activation, weight: Matrix, options: { readonly residual?: Activation } = {}): HostTensor {
    return this.#kernels.linear(hostTensor(x), hostMatrix(weight), options.residual && hostTensor(options.residual));
  }

  gateUp(x: Activation, weight: Matrix): HostTensor {
    return this.#kernels.gateUp(hostTensor(x), hostMatrix(weight));
  }

  gatherRows(x: Activation, rows: Uint32Array): HostTensor {
    return this.#kernels.gatherRows(hostTensor(x), rows);
  }

  normalize(x: Activation, dimensions: number): HostTensor {
    return this.#kernels.normalize(hostTensor(x), dimensions);
  }

  topK(x: Activation, k: number): HostTensor {
    return this.#kernels.topK(hostTensor(x), k);
  }

  async read(...activations: readonly Activation[]): Promise<Float32Array[]> {
    await setImmediate(); // lets timers, sockets and aborts through between batches
    return activations.map((activation) => hostTensor(activation).data);
  }
}

function hostTensor(x: Activation): HostTensor {
  if (x instanceof HostTensor) return x;
  throw foreign("activation");
}

function hostMatrix(matrix: Matrix): HostMatrix {
  if (matrix instanceof HostMatrix) return matrix;
  throw foreign(`matrix '${matrix.name}'`);
}

function hostNorm(norm: Norm): HostNorm {
  if ("weight" in norm && norm.weight instanceof Float32Array) return { ...norm, weight: norm.weight };
  throw foreign(`norm '${norm.name}'`);
}
