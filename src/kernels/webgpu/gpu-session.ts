import type { GpuDevice } from "../../core/gpu/gpu-device.ts";
import { PassTimer } from "../../core/gpu/pass-timer.ts";
import { timeDispatches } from "./dispatch-times.ts";
import { DispatchEncoder } from "./dispatch-encoder.ts";
import type { Dispatch, KernelVariant } from "./kernel.ts";
import { type MatmulChooser, MatmulPlanner, type Product } from "./matmul-planner.ts";
import type { MatmulTile } from "./matmul-tiles.ts";
import { PipelineCache } from "./pipeline-cache.ts";
import type { Program } from "./program.ts";
import { type Plan, ProgramPlanner } from "./program-planner.ts";
import { type PendingResults, Readback } from "./readback.ts";

export interface SessionOptions {
  /** WGSL to use in place of built-in kernels, by name. */
  readonly kernels?: Readonly<Record<string, string>>;
  /** The matrix product tile to use wherever it can be, by its name in matmul-tiles.ts. @default the best for each product */
  readonly tile?: string;
}

/** A dispatch and how long the GPU took for it. */
export interface TimedDispatch {
  /** What was computed: the weight's or norm's name where there is one. */
  readonly label: string;
  /** The kernel and its constants. */
  readonly variant: string;
  readonly nanoseconds: number;
  readonly flops: number;
  /** Bytes of all buffers bound. */
  readonly bytes: number;
}

/** Everything that lives and dies with one device, and runs programs on it. */
export class GpuSession {
  readonly device: GpuDevice;
  readonly pipelines: PipelineCache;
  readonly matmuls: MatmulPlanner;
  readonly #planner: ProgramPlanner;
  readonly #encoder: DispatchEncoder;
  readonly #readback: Readback;
  /** Receives the GPU time of every dispatch while it is set; each dispatch then has a pass of its own. */
  profile: TimedDispatch[] | undefined;

  constructor(device: GpuDevice, { kernels = {}, tile }: SessionOptions = {}) {
    this.device = device;
    this.pipelines = new PipelineCache(device, kernels);
    this.matmuls = new MatmulPlanner(device, tile);
    this.#planner = new ProgramPlanner(device);
    this.#encoder = new DispatchEncoder(device, this.pipelines);
    this.#readback = new Readback(device);
  }

  /** Takes a tile for products like this one from now on. */
  learn(product: Product, bucket: number, tile: MatmulTile): void {
    this.matmuls.learn(product, bucket, tile);
    this.#planner.forget();
  }

  /** Does without a kernel from now on, wherever there is another one for its work: without one tile, if it has tiles. */
  distrust(variant: KernelVariant): void {
    if (!this.matmuls.distrust(variant)) this.#planner.distrust(variant.kernel.name);
    this.#planner.forget();
  }

  /** Compiles what these dispatches need, all of it at once. */
  compile(dispatches: readonly Dispatch[]): Promise<void> {
    return this.#encoder.compile(dispatches);
  }

  /** Milliseconds that each dispatch takes. They must be compiled. */
  time(dispatches: readonly Dispatch[]): Promise<number[]> {
    return timeDispatches(this.device, this.#encoder, dispatches);
  }

  /** The dispatches that a program would be. They name no memory, so they can be compiled, but not run. */
  rehearse(program: Program, matmuls: MatmulChooser = this.matmuls): Dispatch[] {
    return this.#planner.rehearse(program, matmuls);
  }

  /**
   * Plans memory, compiles what is missing and submits: one pass, one submission. Must not be called again before the
   * promise resolves; what it returns may be awaited later.
   *
   * @param matmuls chooses the kernels of products
   * @returns reads the results once the GPU is done
   */
  async submit(program: Program, matmuls: MatmulChooser = this.matmuls): Promise<() => Promise<Float32Array[]>> {
    const plan = this.#planner.plan(program, matmuls);
    await this.#encoder.compile(plan.dispatches);
    let pending: PendingResults | undefined;
    try {
      const submitted = await this.device.guard("batch", () => (pending = this.#encode(program, plan)));
      return () => submitted.read();
    } catch (error) {
      pending?.discard();
      throw error;
    }
  }

  #encode({ results }: Program, plan: Plan): PendingResults {
    const { dispatches } = plan;
    const commands = this.device.raw.createCommandEncoder({ label: "batch" });
    const { profile } = this;
    const timer = profile && new PassTimer(this.device, dispatches.length);
    let pass: GPUComputePassEncoder | undefined;
    this.#encoder.encode(dispatches, (index) => {
      if (pass && !timer) return pass;
      pass?.end();
      const own = timer && { label: dispatches[index]?.label ?? "", timestampWrites: timer.timestampWrites(index) };
      pass = commands.beginComputePass({ label: "batch", ...own });
      return pass;
    });
    pass?.end();
    timer?.resolve(commands);
    const pending = this.#readback.copy(commands, results, plan.results);
    this.device.raw.queue.submit([commands.finish()]);
    this.#planner.freeReplaced();
    const read = async (): Promise<Float32Array[]> => {
      const values = await pending.read();
      if (timer) profile?.push(...describe(dispatches, await timer.read()));
      return values;
    };
    return { ...pending, read };
  }
}

function describe(dispatches: readonly Dispatch[], times: readonly number[]): TimedDispatch[] {
  return dispatches.map(({ label, key, flops, slices }, i) => ({
    label,
    variant: key,
    nanoseconds: times[i] ?? 0,
    flops,
    bytes: slices.reduce((sum, { size }) => sum + size, 0),
  }));
}
