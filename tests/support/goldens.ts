import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { type Backend, EmbeddingModel, type ForwardResult, type Tensor } from "../../src/index.ts";
import { SafetensorsFile } from "../../src/weights/index.ts";
import { assertClose, cosine, type Tolerance } from "./close.ts";
import { fixture, fixtureJson } from "./fixtures.ts";

/** How close a backend comes to transformers on one mini model. */
export interface GoldenTolerances {
  /** Hidden states, intermediates and final norms, per tensor. */
  readonly hidden: Tolerance;
  /** Max abs difference of normalised vectors to the float64 reference. */
  readonly pooled: number;
  /** 1 − cosine of the same. */
  readonly cosine: number;
  /** Max abs difference of the logits. */
  readonly logits: number;
}

export const MINI_MODELS = ["mini-embed", "mini-causal", "mini-wide", "mini-outlier"] as const;
export type MiniModel = (typeof MINI_MODELS)[number];

interface Manifest {
  readonly config: { readonly num_hidden_layers: number };
  readonly lengths: readonly number[];
  readonly all_hidden: readonly number[];
  readonly final_all_positions: readonly number[];
  readonly deep: {
    readonly lengths: readonly number[];
    readonly layers: readonly number[];
    readonly names: readonly string[];
  };
}

/** Golden name → module path after `layers.N`. */
const DEEP_PATHS: Readonly<Record<string, string>> = {
  input_layernorm: ".input_layernorm",
  q_proj: ".self_attn.q_proj",
  k_proj: ".self_attn.k_proj",
  v_proj: ".self_attn.v_proj",
  q_norm: ".self_attn.q_norm",
  k_norm: ".self_attn.k_norm",
  q_rope: ".self_attn.q_rope",
  k_rope: ".self_attn.k_rope",
  attn_probs: ".self_attn.attn_weights",
  attn_out: ".self_attn.o_proj.input",
  o_proj: ".self_attn.o_proj",
  residual: ".post_attention_layernorm.input",
  post_attention_layernorm: ".post_attention_layernorm",
  gate: ".mlp.gate_proj",
  up: ".mlp.up_proj",
  act: ".mlp.down_proj.input",
  down: ".mlp.down_proj",
};

/** Every number of every mini model in tests/fixtures/goldens, on one backend. */
export function describeGoldens(
  title: string,
  createBackend: () => Promise<Backend>,
  tolerances: Readonly<Record<MiniModel, GoldenTolerances>>,
): void {
  for (const name of MINI_MODELS) {
    describe(`${title}: goldens of ${name}`, () => {
      const manifest = fixtureJson<Manifest>(`goldens/numbers/${name}.json`);
      const tolerance = tolerances[name];
      let model: EmbeddingModel;
      let numbers: SafetensorsFile;

      before(async () => {
        numbers = await SafetensorsFile.open(fixture(`goldens/numbers/${name}.safetensors`));
        model = await EmbeddingModel.load(fixture(`goldens/models/${name}`), { backend: await createBackend() });
      });
      after(async () => {
        await model.dispose();
        await numbers.close();
      });

      for (const n of manifest.lengths) {
        it(`length ${n}: hidden states, final norm, vector, logits`, async () => {
          await checkLength(model, numbers, manifest, n, tolerance);
        });
      }
      for (const n of manifest.deep.lengths) {
        it(`length ${n}: every module of layers ${manifest.deep.layers.join(" and ")}`, async () => {
          await checkDeep(model, numbers, manifest, n, tolerance);
        });
      }
    });
  }
}

async function checkLength(
  model: EmbeddingModel,
  numbers: SafetensorsFile,
  manifest: Manifest,
  n: number,
  tolerance: GoldenTolerances,
): Promise<void> {
  const layers = manifest.config.num_hidden_layers;
  const ids = await goldenIds(numbers, n);
  const hiddenPaths = ["embed_tokens", ...Array.from({ length: layers }, (_, i) => `layers.${i}`)];
  const result = await model.forward(ids, { capture: hiddenPaths, logits: "last" });
  const expected = (key: string): Promise<Float32Array> => numbers.readFloat32(`len${n}/${key}`);

  for (const [i, path] of hiddenPaths.entries()) {
    const tensor = captured(result, path);
    if (manifest.all_hidden.includes(n))
      assertClose(tensor.data, await expected(`hidden/${i}`), tolerance.hidden, path);
    else assertClose(lastRow(tensor), await expected(`last/hidden/${i}`), tolerance.hidden, `${path}, last row`);
  }
  if (manifest.final_all_positions.includes(n))
    assertClose(result.hidden.data, await expected("final"), tolerance.hidden, "final");
  else assertClose(lastRow(result.hidden), await expected("last/final"), tolerance.hidden, "final, last row");

  const vector = normalized(lastRow(result.hidden));
  const pooled = await expected("pooled_f64");
  assertClose(vector, pooled, { rtol: 0, atol: tolerance.pooled }, "pooled");
  assert.ok(1 - cosine(vector, pooled) <= tolerance.cosine, `cosine ${cosine(vector, pooled)}`);
  assertClose(result.logits?.data ?? [], await expected("logits_f64"), { rtol: 0, atol: tolerance.logits }, "logits");
}

async function checkDeep(
  model: EmbeddingModel,
  numbers: SafetensorsFile,
  { deep }: Manifest,
  n: number,
  tolerance: GoldenTolerances,
): Promise<void> {
  const wanted = deep.layers.flatMap((layer) =>
    deep.names.map((name) => ({ layer, name, path: `layers.${layer}${DEEP_PATHS[name]}` })),
  );
  const result = await model.forward(await goldenIds(numbers, n), { capture: wanted.map(({ path }) => path) });
  for (const { layer, name, path } of wanted) {
    const key = `len${n}/layer${layer}/${name}`;
    const tensor = captured(result, path);
    assert.deepEqual(tensor.shape, numbers.tensors.get(key)?.shape, `${path}: shape`);
    assertClose(tensor.data, await numbers.readFloat32(key), tolerance.hidden, path);
  }
}

async function goldenIds(numbers: SafetensorsFile, n: number): Promise<Uint32Array> {
  const bytes = await numbers.read(`len${n}/ids`);
  return Uint32Array.from(new BigInt64Array(bytes.slice().buffer), Number);
}

function captured({ captured: tensors }: ForwardResult, path: string): Tensor {
  const tensor = tensors.get(path);
  assert.ok(tensor, `${path} was not captured`);
  return tensor;
}

function lastRow({ shape, data }: Tensor): Float32Array {
  return data.subarray(data.length - (shape.at(-1) ?? 0));
}

function normalized(vector: Float32Array): Float64Array {
  const norm = Math.hypot(...vector);
  return Float64Array.from(vector, (value) => value / norm);
}
