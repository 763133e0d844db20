import { readFileSync } from "node:fs";

/** What an adapter was measured to do at most. */
export interface Roofline {
  /** float32 multiply-adds in registers, two operations each. */
  readonly gflops: number;
  /** Reading memory in order. */
  readonly gbs: number;
}

const INVOCATIONS = 65_536;
const WORKGROUP = 64;
const FLOPS_PER_TURN = 256;
const READ_BYTES = 128 * 2 ** 20;
const ROUNDS = 5;
/** How long one measurement should take at least: well above the timer's and the queue's own time. */
const ENOUGH_MS = 40;

/** Measures by the clock over work that takes long enough for the submission not to matter. */
export async function measureRoofline(device: GPUDevice): Promise<Roofline> {
  const runner = new RooflineRunner(device);
  try {
    const gflops = await runner.rate("multiplyAdd", (turns) => ({
      work: INVOCATIONS * FLOPS_PER_TURN * turns,
      constants: { turns },
      times: 1,
    }));
    const gbs = await runner.rate("readMemory", (times) => ({
      work: READ_BYTES * times,
      constants: { invocations: INVOCATIONS },
      times,
    }));
    return { gflops, gbs };
  } finally {
    runner.dispose();
  }
}

interface Load {
  /** Operations or bytes. */
  readonly work: number;
  readonly constants: Readonly<Record<string, number>>;
  /** Dispatches in one submission. */
  readonly times: number;
}

class RooflineRunner {
  readonly #device: GPUDevice;
  readonly #module: GPUShaderModule;
  readonly #source: GPUBuffer;
  readonly #sink: GPUBuffer;

  constructor(device: GPUDevice) {
    this.#device = device;
    // the file is not compiled: the one in the source tree, seen from build/bench/kernels
    const file = new URL("../../../bench/kernels/roofline.wgsl", import.meta.url);
    this.#module = device.createShaderModule({ label: "roofline", code: readFileSync(file, "utf8") });
    const { STORAGE } = GPU_USAGE;
    const size = Math.min(READ_BYTES, device.limits.maxStorageBufferBindingSize);
    this.#source = device.createBuffer({ label: "roofline source", size, usage: STORAGE });
    this.#sink = device.createBuffer({ label: "roofline sink", size: 64 * 16, usage: STORAGE });
  }

  /** Billions a second: the amount is doubled until one run is long enough, then measured. */
  async rate(entryPoint: string, load: (amount: number) => Load): Promise<number> {
    let amount = 1;
    while ((await this.#milliseconds(entryPoint, load(amount))) < ENOUGH_MS && amount < 2 ** 20) amount *= 2;
    const chosen = load(amount);
    const times: number[] = [];
    for (let round = 0; round < ROUNDS; round++) times.push(await this.#milliseconds(entryPoint, chosen));
    return chosen.work / Math.min(...times) / 1e6; // a limit is the best there was, not the usual
  }

  async #milliseconds(entryPoint: string, { constants, times }: Load): Promise<number> {
    const pipeline = await this.#device.createComputePipelineAsync({
      label: entryPoint,
      layout: "auto",
      compute: { module: this.#module, entryPoint, constants: { ...constants } },
    });
    const bindings = this.#device.createBindGroup({
      layout: pipeline.getBindGroupLayout(0),
      entries: [this.#source, this.#sink].map((buffer, binding) => ({ binding, resource: { buffer } })),
    });
    const submit = async (dispatches: number): Promise<void> => {
      const encoder = this.#device.createCommandEncoder();
      const pass = encoder.beginComputePass();
      pass.setPipeline(pipeline);
      pass.setBindGroup(0, bindings);
      for (let i = 0; i < dispatches; i++) pass.dispatchWorkgroups(INVOCATIONS / WORKGROUP);
      pass.end();
      this.#device.queue.submit([encoder.finish()]);
      await this.#device.queue.onSubmittedWorkDone();
    };
    await submit(1); // the first run of a pipeline may still compile
    const start = performance.now();
    await submit(times);
    return performance.now() - start;
  }

  dispose(): void {
    this.#source.destroy();
    this.#sink.destroy();
  }
}

/** Node has no global `GPUBufferUsage`. */
const GPU_USAGE = { STORAGE: 0x80 } as const;
