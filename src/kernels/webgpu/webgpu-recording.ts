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
import { gpuCache, gpuMatrix, gpuNorm } from "./foreign.ts";
import type { GpuActivation } from "./gpu-activation.ts";
import type { GpuMatrix } from "./gpu-matrix.ts";
import { type HeadNormRope, headNormRope } from "./head-norm-rope.ts";
import { HostTable } from "../host-table.ts";
import { type Matmul, matmul } from "./matmul.ts";
import { normalize } from "./normalize.ts";
import type { Program } from "./program.ts";
import { ProgramBuilder } from "./program-builder.ts";
import { rmsNorm } from "./rms-norm.ts";
import { candidateWidth, topK } from "./top-k.ts";

/** Runs a finished recording. */
export type RunProgram = (program: Program) => Promise<Float32Array[]>;

/** Notes what is to be computed; `read` has it planned, encoded and run as one submission. */
export class WebGpuRecording implements Recording {
  readonly #run: RunProgram;
  readonly #program = new ProgramBuilder();

  constructor(run: RunProgram) {
    this.#run = run;
  }

  embed(table: Matrix, ids: Uint32Array): GpuActivation {
    checkRows(ids, table.rows, `table '${table.name}'`);
    const out = this.#program.value(ids.length, table.columns);
    this.#program.step({
      inputs: [],
      outputs: [out],
      launch: (context) => {
        if (table instanceof HostTable) return embedFromHost(context, table, ids, context.tensor(out));
        return embedFromGpu(context, gpuMatrix(table), ids, context.tensor(out));
      },
    });
    return out;
  }

  rmsNorm(x: Activation, norm: Norm): GpuActivation {
    const input = this.#program.own(x);
    const weight = gpuNorm(norm);
    const out = this.#program.value(x.rows, x.width);
    this.#program.step({
      inputs: [input],
      outputs: [out],
      operands: { of: weight, use: "norm" },
      launch: (context) => rmsNorm(context, context.tensor(input), weight, context.tensor(out)),
    });
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
    if (!queryRows) {
      const product = this.#matmul(x, weight, { epilogue: "none" });
      return this.#heads(product, widths, { ...turn, positions });
    }
    const asking = this.gatherRows(x, queryRows);
    const asked = queryRows.map((row) => positions[row] as number);
    const qProduct = this.#matmul(asking, weight, { epilogue: "none", weightRows: { start: 0, count: widths.q } });
    const { q } = this.#heads(qProduct, { q: widths.q, kv: 0 }, { ...turn, positions: asked });
    const kvRows = { start: widths.q, count: 2 * widths.kv };
    const kvProduct = this.#matmul(x, weight, { epilogue: "none", weightRows: kvRows });
    const { k, v } = this.#heads(kvProduct, { q: 0, kv: widths.kv }, { ...turn, positions });
    return { q, k, v };
  }

  attention({ q, k, v }: QkvResult, { headDim, segments, cache }: AttentionOptions): GpuActivation {
    const inputs = { q: this.#program.own(q), k: this.#program.own(k), v: this.#program.own(v) };
    const out = this.#program.value(q.rows, q.width);
    const plan = planParts(segments, k.width / headDim);
    const parts = plan && this.#program.value(plan.rows, q.width + 4 * (q.width / headDim));
    this.#program.step({
      inputs: Object.values(inputs),
      outputs: parts ? [out, parts] : [out],
      // Keys in a cache are others at every step.
      operands: cache ? undefined : { of: attention, use: `${headDim} of ${q.width} and ${k.width}`, with: [segments] },
      launch: (context) => {
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
      },
    });
    return out;
  }

  linear(x: Activation, weight: Matrix, { residual }: { readonly residual?: Activation } = {}): GpuActivation {
    return this.#matmul(x, gpuMatrix(weight), residual ? { epilogue: "residual", residual } : { epilogue: "none" });
  }

  gateUp(x: Activation, weight: Matrix): GpuActivation {
    return this.#matmul(x, gpuMatrix(weight), { epilogue: "swiglu" });
  }

  gatherRows(x: Activation, rows: Uint32Array): GpuActivation {
    const input = this.#program.own(x);
    checkRows(rows, x.rows, "an activation");
    const out = this.#program.value(rows.length, x.width);
    this.#program.step({
      inputs: [input],
      outputs: [out],
      launch: (context) => {
        const tensors = { x: context.tensor(input), out: context.tensor(out) };
        return gatherRows(context, { ...tensors, label: "gather", rows, direction: "gather" });
      },
    });
    return out;
  }

  normalize(x: Activation, dimensions: number): GpuActivation {
    const input = this.#program.own(x);
    const out = this.#program.value(x.rows, dimensions);
    this.#program.step({
      inputs: [input],
      outputs: [out],
      launch: (context) => normalize(context, context.tensor(input), context.tensor(out)),
    });
    return out;
  }

  topK(x: Activation, k: number): GpuActivation {
    const input = this.#program.own(x);
    const out = this.#program.value(x.rows, 2 * k + 1);
    const candidates = this.#program.value(x.rows, candidateWidth(x.width, k));
    this.#program.step({
      inputs: [input],
      outputs: [out, candidates],
      launch: (context) => {
        const tensors = { x: context.tensor(input), candidates: context.tensor(candidates), out: context.tensor(out) };
        return topK(context, { ...tensors, k });
      },
    });
    return out;
  }

  async read(...activations: readonly Activation[]): Promise<Float32Array[]> {
    return this.#run(this.#program.build(activations));
  }

  #matmul(x: Activation, weight: GpuMatrix, { epilogue, residual, weightRows }: MatmulOptions): GpuActivation {
    const { start, count } = weightRows ?? { start: 0, count: weight.rows };
    const input = this.#program.own(x);
    if (x.width !== weight.columns) {
      throw wrong(
        `an activation ${x.width} wide was given to matrix '${weight.name}', which has ${weight.columns} columns`,
      );
    }
    const added = residual && this.#program.own(residual);
    const out = this.#program.value(x.rows, epilogue === "swiglu" ? count / 2 : count);
    this.#program.step({
      inputs: added ? [input, added] : [input],
      outputs: [out],
      operands: { of: weight, use: `${epilogue} ${start}+${count}` },
      launch: (context) => {
        const tensors = { x: context.tensor(input), out: context.tensor(out) };
        const terms = added ? { ...tensors, residual: context.tensor(added) } : tensors;
        return matmul(context, { ...terms, weight, weightRows: { start, count }, epilogue });
      },
    });
    return out;
  }

  #heads(
    product: GpuActivation,
    widths: { readonly q: number; readonly kv: number },
    turn: Pick<HeadNormRope, "qNorm" | "kNorm" | "rotary" | "positions">,
  ): { q: GpuActivation; k: GpuActivation; v: GpuActivation } {
    const { qNorm, kNorm, rotary, positions } = turn;
    const q = this.#program.value(product.rows, widths.q);
    const k = this.#program.value(product.rows, widths.kv);
    const v = this.#program.value(product.rows, widths.kv);
    this.#program.step({
      inputs: [product],
      outputs: [q, k, v],
      operands: { of: qNorm, use: `${widths.q} ${widths.kv}`, with: [kNorm, rotary, positions] },
      launch: (context) => {
        const outputs = { q: context.tensor(q), k: context.tensor(k), v: context.tensor(v) };
        return headNormRope(context, { ...turn, product: context.tensor(product), ...outputs });
      },
    });
    return { q, k, v };
  }
}

// Bounds guards are off on the GPU: what is asked for beyond the end would be an earlier batch's.
function checkRows(rows: Uint32Array, count: number, what: string): void {
  const unknown = rows.find((row) => row >= count);
  if (unknown !== undefined) throw wrong(`row ${unknown} was asked for of ${what}, which has ${count}`);
}

function wrong(message: string): Qwen3Error {
  return new Qwen3Error("invalid-argument", message);
}

type MatmulOptions = Pick<Matmul, "epilogue" | "weightRows"> & { readonly residual?: Activation };
