/** One of our backends, through the contract alone. */
import type { Backend, BackendKind } from "../../src/kernels/backend.ts";
import type { BackendOptions } from "../../src/kernels/create-backend.ts";
import { createBackend } from "../../src/kernels/create-backend.ts";
import type { ConfigSizes } from "../synthetic/shapes.ts";
import { BenchWeights } from "./bench-weights.ts";
import { kernelCase } from "./cases.ts";
import type { KernelDriver } from "./protocol.ts";
import { RepeatedTimer } from "./repeated.ts";

const FIRST_ROW = Uint32Array.of(0);

/** Options: `kind`, and what `createBackend` takes for it. */
export async function open(options: Readonly<Record<string, string>>): Promise<KernelDriver> {
  const { kind, threads, ...rest } = options;
  const given = { kind: kind as BackendKind, ...(threads === undefined ? {} : { threads: Number(threads) }), ...rest };
  const backend = await createBackend(given as BackendOptions);
  const weights = new BenchWeights(backend);
  let prepared = "";
  let timer: RepeatedTimer | undefined;
  return {
    about: { device: backend.device.description, ...backend.device.details },
    async prepare({ op, rows, sizes }) {
      const shape = JSON.stringify(sizes);
      if (prepared !== shape) await prepareShape(backend, sizes);
      prepared = shape;
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
