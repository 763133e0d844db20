import type { BufferSlice, GpuBuffer } from "../../core/gpu/gpu-buffer.ts";
import type { GpuDevice } from "../../core/gpu/gpu-device.ts";
import { BufferUsage } from "../../core/gpu/usage.ts";
import { PassTimer } from "../../core/gpu/pass-timer.ts";
import { StagingRing } from "../../core/gpu/staging-ring.ts";
import { assignSlots } from "../slots.ts";
import { ActivationArena } from "./activation-arena.ts";
import { timeDispatches } from "./dispatch-times.ts";
import { DispatchEncoder } from "./dispatch-encoder.ts";
import { type GpuActivation, type GpuTensor, quadsOf } from "./gpu-activation.ts";
import { type Dispatch, type KernelVariant, variantKey } from "./kernel.ts";
import type { LaunchContext } from "./launch-context.ts";
import { type MatmulChooser, MatmulPlanner } from "./matmul-planner.ts";
import { smallSubgroup } from "./matmul-tiles.ts";
import { PipelineCache } from "./pipeline-cache.ts";
import type { Program } from "./program.ts";
import { RotaryCopy } from "./rotary-copy.ts";
import { UploadArena } from "./upload-arena.ts";

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
  readonly #encoder: DispatchEncoder;
  readonly #arena: ActivationArena;
  readonly #uploads: UploadArena;
  readonly #rotary: RotaryCopy;
  readonly #staging: StagingRing;
  /** Names of kernels. */
  readonly #distrusted = new Set<string>();
  /** Receives the GPU time of every dispatch while it is set; each dispatch then has a pass of its own. */
  profile: TimedDispatch[] | undefined;

  constructor(device: GpuDevice, { kernels = {}, tile }: SessionOptions = {}) {
    this.device = device;
    this.pipelines = new PipelineCache(device, kernels);
    this.matmuls = new MatmulPlanner(device, tile);
    this.#encoder = new DispatchEncoder(device, this.pipelines);
    this.#arena = new ActivationArena(device);
    this.#uploads = new UploadArena(device);
    this.#rotary = new RotaryCopy(device);
    this.#staging = new StagingRing(device);
  }

  /** Does without a kernel from now on, wherever there is another one for its work: without one tile, if it has tiles. */
  distrust(variant: KernelVariant): void {
    if (!this.matmuls.distrust(variant)) this.#distrusted.add(variant.kernel.name);
  }

  /** Compiles what these dispatches need, all of it at once. */
  compile(dispatches: readonly Dispatch[]): Promise<void> {
    return this.#encoder.compile(dispatches);
  }

  /** Milliseconds that each dispatch takes. They must be compiled. */
  time(dispatches: readonly Dispatch[]): Promise<number[]> {
    return timeDispatches(this.device, this.#encoder, dispatches);
  }

  /**
   * Plans memory, compiles what is missing and submits: one pass, one submission. Must not be called again before the
   * promise resolves; what it returns may be awaited later.
   *
   * @param matmuls chooses the kernels of products
   * @returns reads the results once the GPU is done
   */
  async submit(program: Program, matmuls: MatmulChooser = this.matmuls): Promise<() => Promise<Float32Array[]>> {
    const { dispatches, tensors } = this.#plan(program, matmuls);
    await this.#encoder.compile(dispatches);
    return this.device.guard("batch", () => this.#encode(program, dispatches, tensors));
  }

  #plan(
    { values, steps, results }: Program,
    matmuls: MatmulChooser,
  ): { dispatches: Dispatch[]; tensors: (value: GpuActivation) => GpuTensor } {
    const kept = new Set(results.map(({ index }) => index));
    const sizes = values.map(({ byteLength }) => byteLength);
    const { slotOf, slotSizes } = assignSlots(steps, sizes, kept);
    const buffers = this.#arena.place(slotSizes);
    const tensors = (value: GpuActivation): GpuTensor => {
      const buffer = buffers[slotOf[value.index] ?? -1] as GpuBuffer;
      const { rows, width, byteLength } = value;
      return { rows, width, quads: quadsOf(width), slice: { buffer, offset: 0, size: byteLength } };
    };
    this.#uploads.reset();
    const context = this.#context({
      matmuls,
      tensor: tensors,
      upload: (array) => this.#uploads.upload(array),
      rotary: (table) => this.#rotary.slice(table),
    });
    return { dispatches: steps.flatMap((step) => step.launch(context)), tensors };
  }

  /** The dispatches that a program would be. They name no memory, so they can be compiled, but not run. */
  rehearse({ steps }: Program, matmuls: MatmulChooser = this.matmuls): Dispatch[] {
    const { storage: usage } = BufferUsage;
    const buffer = this.device.createBuffer({ label: "rehearsal", size: 4, usage, pool: "activations" });
    const slice = (size: number): BufferSlice => ({ buffer, offset: 0, size });
    const context = this.#context({
      matmuls,
      tensor: ({ rows, width, byteLength }) => ({ rows, width, quads: quadsOf(width), slice: slice(byteLength) }),
      upload: (array) => slice(array.byteLength),
      rotary: (table) => slice(table.cos.byteLength + table.sin.byteLength),
    });
    const dispatches = steps.flatMap((step) => step.launch(context));
    buffer.destroy();
    return dispatches;
  }

  #context(given: Pick<LaunchContext, "matmuls" | "tensor" | "upload" | "rotary">): LaunchContext {
    const memos = new Map<object, Map<string, object>>();
    return {
      ...given,
      limits: this.device.limits,
      lanes: smallSubgroup(this.device),
      trusts: (kernel) => !this.#distrusted.has(kernel.name),
      cache: (store, layer) => store.tensors(this.device, layer),
      memo: <T extends object>(key: object, name: string, make: () => T): T => {
        const named = memos.get(key) ?? new Map<string, object>();
        memos.set(key, named);
        const value = (named.get(name) as T | undefined) ?? make();
        named.set(name, value);
        return value;
      },
    };
  }

  #encode(
    { results }: Program,
    dispatches: readonly Dispatch[],
    tensors: (value: GpuActivation) => GpuTensor,
  ): () => Promise<Float32Array[]> {
    const commands = this.device.raw.createCommandEncoder({ label: "batch" });
    const { profile } = this;
    const timer = profile && new PassTimer(this.device, dispatches.length);
    let pass: GPUComputePassEncoder | undefined;
    this.#encoder.encode(dispatches, (index) => {
      if (pass && !timer) return pass;
      pass?.end();
      const times = timer ? { timestampWrites: timer.timestampWrites(index) } : {};
      pass = commands.beginComputePass({ label: dispatches[index]?.label ?? "batch", ...times });
      return pass;
    });
    pass?.end();
    timer?.resolve(commands);
    const staging = this.#copyOut(
      commands,
      results.map((result) => tensors(result).slice),
    );
    this.device.raw.queue.submit([commands.finish()]);
    this.#rotary.freeReplaced();
    return async () => {
      const values = await this.#staging.read(staging.buffer, staging.size, (bytes) => unpad(bytes, results));
      if (timer) profile?.push(...describe(dispatches, await timer.read()));
      return values;
    };
  }

  /** Copies the results, one after the other, to a buffer that the host can map. */
  #copyOut(commands: GPUCommandEncoder, slices: readonly BufferSlice[]): { buffer: GpuBuffer; size: number } {
    const size = slices.reduce((sum, slice) => sum + slice.size, 0);
    const buffer = this.#staging.acquire(size);
    let offset = 0;
    for (const slice of slices) {
      commands.copyBufferToBuffer(slice.buffer.raw, slice.offset, buffer.raw, offset, slice.size);
      offset += slice.size;
    }
    return { buffer, size };
  }
}

/** Results as the caller wants them: their own memory, rows without padding. */
function unpad(bytes: ArrayBuffer, results: readonly GpuActivation[]): Float32Array[] {
  let offset = 0;
  return results.map(({ rows, width, byteLength }) => {
    const padded = new Float32Array(bytes, offset, byteLength / 4);
    offset += byteLength;
    const stride = quadsOf(width) * 4;
    if (stride === width) return padded.slice();
    const tight = new Float32Array(rows * width);
    for (let row = 0; row < rows; row++) tight.set(padded.subarray(row * stride, row * stride + width), row * width);
    return tight;
  });
}

function describe(dispatches: readonly Dispatch[], times: readonly number[]): TimedDispatch[] {
  return dispatches.map((dispatch, i) => ({
    label: dispatch.label,
    variant: variantKey(dispatch),
    nanoseconds: times[i] ?? 0,
    flops: dispatch.flops,
    bytes: dispatch.slices.reduce((sum, { size }) => sum + size, 0),
  }));
}
