/** One of our backends, through the contract alone. */
import { readFileSync } from "node:fs";
import type { Activation, Backend, BackendKind } from "../../src/kernels/backend.ts";
import type { BackendOptions } from "../../src/kernels/create-backend.ts";
import { GpuDevice } from "../../src/core/gpu/gpu-device.ts";
import { createBackend } from "../../src/kernels/create-backend.ts";
import { matmulTiles } from "../../src/kernels/webgpu/matmul-tiles.ts";
import type { ConfigSizes } from "../synthetic/shapes.ts";
import { BenchWeights } from "./bench-weights.ts";
import { KERNEL_OPS, kernelCase } from "./cases.ts";
import type { CaseName, KernelDriver } from "./protocol.ts";
import { RepeatedTimer } from "./repeated.ts";
import { measureRoofline } from "./roofline.ts";

/** What the WebGPU backend offers to those who measure it. */
interface MeasurableBackend extends Backend {
  readonly gpuDevice: GPUDevice;
  profile(work: () => Promise<unknown>): Promise<readonly { readonly nanoseconds: number; readonly variant: string }[]>;
}

const FIRST_ROW = Uint32Array.of(0);

/**
 * Options: `kind`, and what `createBackend` takes for it; `wgsl` names a file to use in place of the built-in `kernel`, which is
 * then taken for all products that it can compute.
 */
export async function open(options: Readonly<Record<string, string>>): Promise<KernelDriver> {
  const { kernel = "", wgsl } = options;
  const given = backendOptions(wgsl === undefined ? options : { ...options, ...(await tileOf(kernel, options)) });
  const shapes = new LoadedShape(() => createBackend(given));
  const { device, roofline } = await about(await shapes.backend());
  let timer: RepeatedTimer | undefined;

  const runner = async (name: CaseName): Promise<Runner> => {
    const { backend, weights } = await shapes.load(name.sizes);
    const setup = await kernelCase(name.sizes, name.op, name.rows).prepare(weights);
    return async (times, rows) => {
      const recording = backend.record();
      const run = setup(recording);
      const results: Activation[] = [];
      for (let i = 0; i < times; i++) {
        const result = run(i);
        results.push(rows ? recording.gatherRows(result, rows) : result);
      }
      // wasm leaves out what nobody reads
      const read = given.kind === "wasm" ? results : results.slice(-1);
      const values = await recording.read(...read);
      return values.at(-1) ?? new Float32Array();
    };
  };

  return {
    about: device,
    roofline,
    async prepare(name) {
      const run = await runner(name);
      timer = new RepeatedTimer(async (times) => async () => void (await run(times, FIRST_ROW)));
      await timer.warmUp();
      return true;
    },
    async measure() {
      const ms = (await timer?.measure()) ?? Number.NaN;
      const backend = await shapes.backend();
      const deviceMs = isMeasurable(backend) ? await timer?.measure((run) => deviceTime(backend, run)) : undefined;
      return { ms, deviceMs };
    },
    async compute(name) {
      const run = await runner(name);
      const backend = await shapes.backend();
      if (wgsl === undefined || !isMeasurable(backend)) return await run(1);
      let values: Float32Array = new Float32Array();
      const dispatches = await backend.profile(async () => (values = await run(1)));
      if (dispatches.some(({ variant }) => variant.split(" ")[0] === kernel)) return values;
      const ran = [...new Set(dispatches.map(({ variant }) => variant.split(" ")[0]))].join(", ");
      throw new Error(
        `${wgsl} was not run: ${name.op} of ${name.rows} rows takes ${ran} here; name the kernel with --op, or other --ops and --rows`,
      );
    },
    close: async () => (await shapes.backend()).dispose(),
  };
}

/** Does an operation some times and reads the last result, or some of its rows. */
type Runner = (times: number, rows?: Uint32Array) => Promise<Float32Array>;

function backendOptions({
  kind,
  threads,
  wgsl,
  kernel = "",
  ...rest
}: Readonly<Record<string, string>>): BackendOptions {
  return {
    kind: kind as BackendKind,
    ...(threads === undefined ? {} : { threads: Number(threads) }),
    // A wrong kernel is to be seen, not replaced.
    ...(wgsl === undefined ? {} : { kernels: { [kernel]: readFileSync(wgsl, "utf8") }, selfCheck: false }),
    ...rest,
  };
}

/** A tile of a product kernel, else nothing: the one of 64 × 64 or else the largest that the adapter can run. */
async function tileOf(
  kernel: string,
  { adapter }: Readonly<Record<string, string>>,
): Promise<{ readonly tile?: string }> {
  const device = await GpuDevice.open({ allowSoftware: true, ...(adapter === undefined ? {} : { adapter }) });
  const tiles = matmulTiles(device).filter((tile) => tile.kernel.name === kernel);
  device.dispose();
  const tile = tiles.find(({ tileRows, tileColumns }) => tileRows === 64 && tileColumns === 64) ?? tiles.at(-1);
  return tile ? { tile: tile.name } : {};
}

async function about(backend: Backend): Promise<{
  readonly device: Readonly<Record<string, string | number | boolean>>;
  readonly roofline: KernelDriver["roofline"];
}> {
  return {
    device: { device: backend.device.description, ...backend.device.details },
    roofline: isMeasurable(backend) ? await measureRoofline(backend.gpuDevice) : undefined,
  };
}

function isMeasurable(backend: Backend): backend is MeasurableBackend {
  return "profile" in backend && "gpuDevice" in backend;
}

async function deviceTime(backend: MeasurableBackend, run: () => Promise<void>): Promise<number> {
  const dispatches = await backend.profile(run);
  return dispatches.reduce((sum, { nanoseconds }) => sum + nanoseconds, 0) / 1e6;
}

/** A backend that holds one shape's weights and nothing else: another shape gets another backend. */
class LoadedShape {
  readonly #make: () => Promise<Backend>;
  #loaded: { readonly backend: Backend; readonly weights: BenchWeights } | undefined;
  #shape = "";

  constructor(make: () => Promise<Backend>) {
    this.#make = make;
  }

  async backend(): Promise<Backend> {
    return (await this.#current()).backend;
  }

  async load(sizes: ConfigSizes): Promise<{ readonly backend: Backend; readonly weights: BenchWeights }> {
    const shape = JSON.stringify(sizes);
    if (this.#shape !== "" && this.#shape !== shape) {
      await this.#loaded?.backend.dispose();
      this.#loaded = undefined;
    }
    const loaded = await this.#current();
    if (this.#shape !== shape) {
      for (const op of KERNEL_OPS) await kernelCase(sizes, op, 1).prepare(loaded.weights);
      await prepareShape(loaded.backend, sizes);
      this.#shape = shape;
    }
    return loaded;
  }

  async #current(): Promise<{ readonly backend: Backend; readonly weights: BenchWeights }> {
    if (!this.#loaded) {
      const backend = await this.#make();
      this.#loaded = { backend, weights: new BenchWeights(backend) };
    }
    return this.#loaded;
  }
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
