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
import { HostTable } from "../host-table.ts";
import { attention } from "./attention.ts";
import { embed } from "./embed.ts";
import type { Banks } from "./banks.ts";
import { gateUp } from "./gate-up.ts";
import { gatherRows } from "./gather-rows.ts";
import { linear } from "./linear.ts";
import { normalize } from "./normalize.ts";
import type { Tuning } from "./product.ts";
import { Recorder } from "./program.ts";
import { qkv } from "./qkv.ts";
import { rmsNorm } from "./rms-norm.ts";
import { storeInCache } from "./store-in-cache.ts";
import { topK } from "./top-k.ts";
import { WasmKvCache } from "./wasm-kv-cache.ts";
import { own, WasmActivation, WasmMatrix, WasmNorm } from "./wasm-objects.ts";

/** Collects jobs for the threads; `read` has them run. */
export class WasmRecording implements Recording {
  readonly #recorder = new Recorder();
  readonly #banks: Banks;
  readonly #tuning: Tuning;
  #ended = false;

  constructor(banks: Banks, tuning: Tuning) {
    this.#banks = banks;
    this.#tuning = tuning;
  }

  embed(table: Matrix, ids: Uint32Array): WasmActivation {
    return embed(this.#recorder, table instanceof HostTable ? table : ownMatrix(table), ids);
  }

  rmsNorm(x: Activation, norm: Norm): WasmActivation {
    return rmsNorm(this.#recorder, ownActivation(x), ownNorm(norm));
  }

  qkv(x: Activation, weights: QkvWeights, options: QkvOptions): QkvResult {
    const input = {
      x: ownActivation(x),
      qkvProj: ownMatrix(weights.qkvProj),
      qNorm: ownNorm(weights.qNorm),
      kNorm: ownNorm(weights.kNorm),
      heads: weights.numAttentionHeads,
      kvHeads: weights.numKeyValueHeads,
    };
    return qkv(this.#recorder, this.#tuning, input, options);
  }

  attention(result: QkvResult, { headDim, segments, cache }: AttentionOptions): WasmActivation {
    const q = ownActivation(result.q);
    const k = ownActivation(result.k);
    const v = ownActivation(result.v);
    const common = { q, kvWidth: k.width, headDim, segments };
    if (!cache) {
      const input = { ...common, keys: k.value, values: v.value, after: [k.value, v.value], growing: false };
      return attention(this.#recorder, this.#tuning, input);
    }
    const store = own(WasmKvCache, cache.store, "cache");
    const { keys, values } = store.layerAt(cache.layer);
    storeInCache(this.#recorder, k, cache.slots, keys);
    storeInCache(this.#recorder, v, cache.slots, values);
    return attention(this.#recorder, this.#tuning, {
      ...common,
      keys,
      values,
      after: [],
      growing: store.use === "growth",
    });
  }

  linear(x: Activation, weight: Matrix, options: { readonly residual?: Activation } = {}): WasmActivation {
    const { residual } = options;
    const input = { x: ownActivation(x), weight: ownMatrix(weight) };
    return linear(this.#recorder, this.#tuning, {
      ...input,
      ...(residual && { residual: ownActivation(residual) }),
    });
  }

  gateUp(x: Activation, weight: Matrix): WasmActivation {
    return gateUp(this.#recorder, this.#tuning, { x: ownActivation(x), weight: ownMatrix(weight) });
  }

  gatherRows(x: Activation, rows: Uint32Array): WasmActivation {
    return gatherRows(this.#recorder, ownActivation(x), rows);
  }

  normalize(x: Activation, dimensions: number): WasmActivation {
    return normalize(this.#recorder, ownActivation(x), dimensions);
  }

  topK(x: Activation, k: number): WasmActivation {
    return topK(this.#recorder, ownActivation(x), k);
  }

  async read(...activations: readonly Activation[]): Promise<Float32Array[]> {
    if (this.#ended) throw new Qwen3Error("invalid-argument", "this recording was read before; record a new one");
    this.#ended = true;
    const values = activations.map((activation) => ownActivation(activation).value);
    return await this.#banks.run(this.#recorder, values);
  }
}

function ownActivation(x: Activation): WasmActivation {
  return own(WasmActivation, x, "activation");
}

function ownMatrix(matrix: Matrix): WasmMatrix {
  return own(WasmMatrix, matrix, `matrix '${matrix.name}'`);
}

function ownNorm(norm: Norm): WasmNorm {
  return own(WasmNorm, norm, `norm '${norm.name}'`);
}
