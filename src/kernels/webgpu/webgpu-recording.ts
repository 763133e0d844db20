import { Qwen3Error } from "../../core/errors.ts";
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
import { planParts } from "./attention-parts.ts";
import { attention } from "./attention.ts";
import { embedFromGpu, embedFromHost } from "./embed.ts";
import { gatherRows } from "./gather-rows.ts";
import { GpuActivation } from "./gpu-activation.ts";
import { GpuKvCache } from "./gpu-kv-cache.ts";
import { GpuMatrix } from "./gpu-matrix.ts";
import { GpuNorm } from "./gpu-norm.ts";
import { type HeadNormRope, headNormRope } from "./head-norm-rope.ts";
import { HostTable } from "../host-table.ts";
import type { Dispatch } from "./kernel.ts";
import type { LaunchContext } from "./launch-context.ts";
import { matmul } from "./matmul.ts";
import { normalize } from "./normalize.ts";
import type { Program, RecordedStep } from "./program.ts";
import { rmsNorm } from "./rms-norm.ts";
import type { RowChunk } from "./row-chunks.ts";
import { candidateWidth, topK } from "./top-k.ts";

/** Runs a finished recording. */
export type RunProgram = (program: Program) => Promise<Float32Array[]>;

/** Notes what is to be computed; `read` has it planned, encoded and run as one submission. */
export class WebGpuRecording implements Recording {
  readonly #run: RunProgram;
  readonly #values: GpuActivation[] = [];
  readonly #steps: RecordedStep[] = [];

  constructor(run: RunProgram) {
    this.#run = run;
  }

  embed(table: Matrix, ids: Uint32Array): GpuActivation {
    const out = this.#value(ids.length, table.columns);
    this.#step([], [out], (context) => {
      if (table instanceof HostTable) return embedFromHost(context, table, ids, context.tensor(out));
      return embedFromGpu(context, gpuMatrix(table), ids, context.tensor(out));
    });
    return out;
  }

  rmsNorm(x: Activation, norm: Norm): GpuActivation {
    const input = this.#own(x);
    const weight = gpuNorm(norm);
    const out = this.#value(x.rows, x.width);
    this.#step([input], [out], (context) => rmsNorm(context, context.tensor(input), weight, context.tensor(out)));
    return out;
  }

  qkv(x: Activation, weights: QkvWeights, options: QkvOptions): QkvResult {
    const { positions, rotary, queryRows, rotate = true } = options;
    const weight = gpuMatrix(weights.qkvProj);
    const widths = {
      q: weights.numAttentionHeads * weights.qNorm.width,
      kv: weights.numKeyValueHeads * weights.kNorm.width,
    };
    const norms = { qNorm: gpuNorm(weights.qNorm), kNorm: gpuNorm(weights.kNorm) };
    const turn = { ...norms, rotary: rotate ? rotary : undefined };
    const input = this.#own(x);
    if (!queryRows) {
      const product = this.#product(input, weight, { start: 0, count: weight.rows });
      return this.#heads(product, widths, { ...turn, positions });
    }
    const asking = this.gatherRows(x, queryRows);
    const asked = queryRows.map((row) => positions[row] as number);
    const qProduct = this.#product(asking, weight, { start: 0, count: widths.q });
    const { q } = this.#heads(qProduct, { q: widths.q, kv: 0 }, { ...turn, positions: asked });
    const kvProduct = this.#product(input, weight, { start: widths.q, count: 2 * widths.kv });
    const { k, v } = this.#heads(kvProduct, { q: 0, kv: widths.kv }, { ...turn, positions });
    return { q, k, v };
  }

  attention({ q, k, v }: QkvResult, { headDim, segments, cache }: AttentionOptions): GpuActivation {
    const inputs = { q: this.#own(q), k: this.#own(k), v: this.#own(v) };
    const out = this.#value(q.rows, q.width);
    const plan = planParts(segments, k.width / headDim);
    const parts = plan && this.#value(plan.rows, q.width + 4 * (q.width / headDim));
    this.#step(Object.values(inputs), parts ? [out, parts] : [out], (context) => {
      const rows = { q: context.tensor(inputs.q), k: context.tensor(inputs.k), v: context.tensor(inputs.v) };
      const request = {
        label: "attention",
        headDim,
        segments,
        parts: plan && parts && { plan, tensor: context.tensor(parts) },
        out: context.tensor(out),
      };
      if (!cache) return attention(context, { ...request, ...rows });
      const { keys, values } = context.cache(gpuCache(cache.store), cache.layer);
      const scatter = { label: "cache", rows: cache.slots, direction: "scatter" } as const;
      return [
        ...gatherRows(context, { ...scatter, x: rows.k, out: keys }),
        ...gatherRows(context, { ...scatter, x: rows.v, out: values }),
        ...attention(context, { ...request, q: rows.q, k: keys, v: values }),
      ];
    });
    return out;
  }

  linear(x: Activation, weight: Matrix, { residual }: { readonly residual?: Activation } = {}): GpuActivation {
    const matrix = gpuMatrix(weight);
    if (!residual) return this.#product(this.#own(x), matrix, { start: 0, count: matrix.rows });
    const input = this.#own(x);
    const added = this.#own(residual);
    const out = this.#value(x.rows, matrix.rows);
    this.#step([input, added], [out], (context) => {
      const tensors = { x: context.tensor(input), residual: context.tensor(added), out: context.tensor(out) };
      return matmul(context, { ...tensors, weight: matrix, epilogue: "residual" });
    });
    return out;
  }

  gateUp(x: Activation, weight: Matrix): GpuActivation {
    const matrix = gpuMatrix(weight);
    const input = this.#own(x);
    const out = this.#value(x.rows, matrix.rows / 2);
    this.#step([input], [out], (context) => {
      const tensors = { x: context.tensor(input), out: context.tensor(out) };
      return matmul(context, { ...tensors, weight: matrix, epilogue: "swiglu" });
    });
    return out;
  }

  gatherRows(x: Activation, rows: Uint32Array): GpuActivation {
    const input = this.#own(x);
    const out = this.#value(rows.length, x.width);
    this.#step([input], [out], (context) => {
      const tensors = { x: context.tensor(input), out: context.tensor(out) };
      return gatherRows(context, { ...tensors, label: "gather", rows, direction: "gather" });
    });
    return out;
  }

  normalize(x: Activation, dimensions: number): GpuActivation {
    const input = this.#own(x);
    const out = this.#value(x.rows, dimensions);
    this.#step([input], [out], (context) => normalize(context, context.tensor(input), context.tensor(out)));
    return out;
  }

  topK(x: Activation, k: number): GpuActivation {
    const input = this.#own(x);
    const out = this.#value(x.rows, 2 * k + 1);
    const candidates = this.#value(x.rows, candidateWidth(x.width, k));
    this.#step([input], [out, candidates], (context) => {
      const tensors = { x: context.tensor(input), candidates: context.tensor(candidates), out: context.tensor(out) };
      return topK(context, { ...tensors, k });
    });
    return out;
  }

  async read(...activations: readonly Activation[]): Promise<Float32Array[]> {
    const results = activations.map((activation) => this.#own(activation));
    return this.#run({ values: this.#values, steps: this.#steps, results });
  }

  #product(x: GpuActivation, weight: GpuMatrix, weightRows: RowChunk): GpuActivation {
    const out = this.#value(x.rows, weightRows.count);
    this.#step([x], [out], (context) => {
      const tensors = { x: context.tensor(x), out: context.tensor(out) };
      return matmul(context, { ...tensors, weight, weightRows, epilogue: "none" });
    });
    return out;
  }

  #heads(
    product: GpuActivation,
    widths: { readonly q: number; readonly kv: number },
    turn: Pick<HeadNormRope, "qNorm" | "kNorm" | "rotary" | "positions">,
  ): { q: GpuActivation; k: GpuActivation; v: GpuActivation } {
    const q = this.#value(product.rows, widths.q);
    const k = this.#value(product.rows, widths.kv);
    const v = this.#value(product.rows, widths.kv);
    this.#step([product], [q, k, v], (context) => {
      const outputs = { q: context.tensor(q), k: context.tensor(k), v: context.tensor(v) };
      return headNormRope(context, { ...turn, product: context.tensor(product), ...outputs });
    });
    return { q, k, v };
  }

  #value(rows: number, width: number): GpuActivation {
    const value = new GpuActivation(this.#values.length, rows, width);
    this.#values.push(value);
    return value;
  }

  #step(
    inputs: readonly GpuActivation[],
    outputs: readonly GpuActivation[],
    launch: (context: LaunchContext) => Dispatch[],
  ): void {
    this.#steps.push({ inputs: inputs.map(({ index }) => index), outputs: outputs.map(({ index }) => index), launch });
  }

  #own(x: Activation): GpuActivation {
    if (x instanceof GpuActivation && this.#values[x.index] === x) return x;
    throw foreign("activation", "recording");
  }
}

function gpuMatrix(matrix: Matrix): GpuMatrix {
  if (matrix instanceof GpuMatrix) return matrix;
  if (matrix instanceof HostTable) {
    throw new Qwen3Error("invalid-argument", `matrix '${matrix.name}' was loaded as a table; load it for products too`);
  }
  throw foreign(`matrix '${matrix.name}'`);
}

function gpuNorm(norm: Norm): GpuNorm {
  if (norm instanceof GpuNorm) return norm;
  throw foreign(`norm '${norm.name}'`);
}

function gpuCache(cache: GpuKvCache | object): GpuKvCache {
  if (cache instanceof GpuKvCache) return cache;
  throw foreign("cache");
}

function foreign(what: string, owner = "backend"): Qwen3Error {
  return new Qwen3Error("invalid-argument", `this ${what} belongs to another ${owner}; use the one that made it`);
}
