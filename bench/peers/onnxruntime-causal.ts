/** onnxruntime-node generating, from a graph with keys and values in and out (make_onnx.py --causal). */
import { readFileSync, statSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { Tokenizer } from "../../src/tokenizer/index.ts";
import type { GenerateDriver } from "../generate/protocol.ts";
import { installed, versionOf } from "./install.ts";

interface OrtTensor {
  readonly data: Float32Array;
  dispose(): void;
}

type Tensors = Readonly<Record<string, OrtTensor>>;

interface Session {
  run(inputs: Tensors): Promise<Tensors>;
  release(): Promise<void>;
}

interface OnnxRuntime {
  readonly InferenceSession: { create(file: string, options: object): Promise<Session> };
  readonly Tensor: new (type: string, data: Float32Array | BigInt64Array, dims: readonly number[]) => OrtTensor;
}

interface Config {
  readonly num_hidden_layers: number;
  readonly num_key_value_heads: number;
  readonly head_dim: number;
  readonly vocab_size: number;
  readonly hidden_size: number;
}

/** transformers.js' names, and bytes of a value in the embedding table, unless lm_head is the same: a token reads one row of it. */
const FILES: Readonly<Record<string, { readonly file: string; readonly tableBytes: number }>> = {
  fp32: { file: "model.onnx", tableBytes: 0 },
  q8: { file: "model_quantized.onnx", tableBytes: 1 },
  q4: { file: "model_q4.onnx", tableBytes: 4 },
};

/** Options: `onnx` (a folder that make_onnx.py wrote), `dtype` (fp32, q8, q4), `threads`, `cache`. */
export async function open(options: Readonly<Record<string, string>>): Promise<GenerateDriver> {
  const { onnx = "", dtype = "fp32", threads = "2", cache = "" } = options;
  const { file, tableBytes } = FILES[dtype] ?? { file: `model_${dtype}.onnx`, tableBytes: 4 };
  const path = join(onnx, "onnx", file);
  const folder = installed("onnxruntime-node", cache);
  const ort = createRequire(join(folder, "package.json"))(folder) as OnnxRuntime;
  const config = JSON.parse(readFileSync(join(onnx, "config.json"), "utf8")) as Config;
  const session = await ort.InferenceSession.create(path, { intraOpNumThreads: Number(threads) });
  const tokenizer = await Tokenizer.fromFile(join(onnx, "tokenizer.json"));
  return {
    about: { "onnxruntime-node": versionOf(folder), dtype, device: "cpu", threads },
    weightBytes: statSync(`${path}_data`).size - config.vocab_size * config.hidden_size * tableBytes,
    inHostMemory: true,
    async *generate(prompt) {
      const { ids } = tokenizer.encode(prompt, { addSpecialTokens: false });
      yield* greedy(ort, session, config, ids);
    },
    close: () => session.release(),
  };
}

/** The likeliest token each time; what the session returns for a token is its past for the next. */
async function* greedy(
  ort: OnnxRuntime,
  session: Session,
  config: Config,
  prompt: Uint32Array,
): AsyncGenerator<number> {
  let ids = BigInt64Array.from(prompt, BigInt);
  let past = noPast(ort, config);
  for (let length = ids.length; ; length++) {
    const inputs = {
      input_ids: new ort.Tensor("int64", ids, [1, ids.length]),
      attention_mask: new ort.Tensor("int64", new BigInt64Array(length).fill(1n), [1, length]),
    };
    const outputs = await session.run({ ...inputs, ...past });
    for (const tensor of Object.values(past)) tensor.dispose();
    const next = largest(outputs["logits"]?.data ?? new Float32Array());
    past = Object.fromEntries(
      Object.entries(outputs)
        .filter(([name]) => name !== "logits")
        .map(([name, tensor]) => [name.replace("present", "past_key_values"), tensor]),
    );
    yield next;
    ids = BigInt64Array.of(BigInt(next));
  }
}

function noPast(ort: OnnxRuntime, { num_hidden_layers, num_key_value_heads, head_dim }: Config): Tensors {
  const names = Array.from({ length: num_hidden_layers }, (_, i) => [`${i}.key`, `${i}.value`]).flat();
  const none = (): OrtTensor => new ort.Tensor("float32", new Float32Array(), [1, num_key_value_heads, 0, head_dim]);
  return Object.fromEntries(names.map((name) => [`past_key_values.${name}`, none()]));
}

function largest(logits: Float32Array): number {
  let best = 0;
  for (let i = 1; i < logits.length; i++) if ((logits[i] as number) > (logits[best] as number)) best = i;
  return best;
}
