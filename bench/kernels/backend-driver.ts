/** One of our backends, through the contract alone. */
import type { Backend, BackendKind } from "../../src/kernels/backend.ts";
import { createBackend } from "../../src/kernels/create-backend.ts";
import type { ConfigSizes } from "../synthetic/shapes.ts";
import { BenchWeights } from "./bench-weights.ts";
import { KERNEL_OPS, kernelCase } from "./cases.ts";
import type { KernelDriver } from "./protocol.ts";
import { RepeatedTimer } from "./repeated.ts";

const FIRST_ROW = Uint32Array.of(0);

/** Options: `kind`, and what `createBackend` takes for it. */
export async function open(options: Readonly<Record<string, string>>): Promise<KernelDriver> {
  const { kind, threads, ...rest } = options;
  const given = { kind: kind as BackendKind, ...(threads === undefined ? {} : { threads: Number(threads) }), ...rest };
  const make = (): Promise<Backend> => createBackend(given);
  let backend = await make();
  let weights = new BenchWeights(backend);
  let loaded = "";
  let timer: RepeatedTimer | undefined;

  /** A backend that holds one shape's weights and nothing else. */
  const loadShape = async (sizes: ConfigSizes): Promise<void> => {
    const shape = JSON.stringify(sizes);
    if (shape === loaded) return;
    if (loaded !== "") {
      await backend.dispose();
      backend = await make();
      weights = new BenchWeights(backend);
    }
    for (const op of KERNEL_OPS) await kernelCase(sizes, op, 1).prepare(weights);
    await prepareShape(backend, sizes);
    loaded = shape;
  };

  return {
    about: { device: backend.device.description, ...backend.device.details },
    async prepare({ op, rows, sizes }) {
      await loadShape(sizes);
      const setup = await kernelCase(sizes, op, rows).prepare(weights);
      timer = new RepeatedTimer(async (times) => async () => {
        const recording = backend.record();
        const run = setup(recording);
        let result = run(0);
        for (let i = 1; i < times; i++) result = run(i);
        await recording.read(recording.gatherRows(result, FIRST_ROW));
      });
      await timer.warmUp();
      return true;
    },
    measure: async () => (await timer?.measure()) ?? Number.NaN,
    close: () => backend.dispose(),
  };
}

function prepareShape(backend: Backend, sizes: ConfigSizes): Promise<void> {
  return backend.prepare({
    hiddenSize: sizes.hidden_size,
    intermediateSize: sizes.intermediate_size,
    numHiddenLayers: sizes.num_hidden_layers,
    numAttentionHeads: sizes.num_attention_heads,
    numKeyValueHeads: sizes.num_key_value_heads,
    headDim: sizes.head_dim,
    vocabSize: sizes.vocab_size,
  });
}
