import { setTimeout } from "node:timers/promises";
import { Qwen3Error } from "../../core/errors.ts";
import { GpuDevice, type GpuDeviceOptions } from "../../core/gpu/gpu-device.ts";
import type {
  Backend,
  DecoderShape,
  DeviceInfo,
  KvCacheSize,
  Matrix,
  MatrixSource,
  MatrixUse,
  MemoryUse,
} from "../backend.ts";
import { HostTable } from "../host-table.ts";
import { GpuKvCache } from "./gpu-kv-cache.ts";
import { GpuMatrix } from "./gpu-matrix.ts";
import { GpuNorm } from "./gpu-norm.ts";
import { GpuSession, type TimedDispatch } from "./gpu-session.ts";
import { type PrepareOptions, prepareSession } from "./prepare-session.ts";
import type { Program } from "./program.ts";
import { checkKernelNames } from "./shader-source.ts";
import { WebGpuRecording } from "./webgpu-recording.ts";

export interface WebGpuBackendOptions extends GpuDeviceOptions, PrepareOptions {
  /** Told about what works, but not as well as it should. @default process.emitWarning */
  readonly onWarning?: (message: string) => void;
}

/** How long a failed batch waits to learn that its device is gone. */
const LOSS_GRACE_MS = 100;

/** The decoder's operations as WGSL on a GPU. Survives the loss of its device once per batch. */
export class WebGpuBackend implements Backend {
  readonly kind = "webgpu";
  readonly #options: WebGpuBackendOptions;
  readonly #matrices: GpuMatrix[] = [];
  readonly #tables: HostTable[] = [];
  readonly #norms: GpuNorm[] = [];
  #session: GpuSession;
  /** Of the model whose kernels were prepared. */
  #shape: DecoderShape | undefined;
  #disposed = false;
  /** Batches are planned and submitted one at a time; several may then run. */
  #turn: Promise<unknown> = Promise.resolve();
  #restoring: Promise<void> | undefined;

  private constructor(options: WebGpuBackendOptions, session: GpuSession) {
    this.#options = options;
    this.#session = session;
  }

  /** @throws Qwen3Error `device` if there is no adapter to be had that fits the options */
  static async create(options: WebGpuBackendOptions = {}): Promise<WebGpuBackend> {
    await checkKernelNames(options.kernels ?? {});
    return new WebGpuBackend(options, new GpuSession(await GpuDevice.open(options), options));
  }

  get device(): DeviceInfo {
    const { adapter, features, limits } = this.#session.device;
    const { name, vendor, architecture, driver, software } = adapter;
    return {
      kind: "webgpu",
      description: software ? `${name} (software)` : name,
      details: { vendor, architecture, driver, software, features: [...features].join(" "), ...limits },
    };
  }

  get memory(): MemoryUse {
    const { weights, activations, cache } = this.#session.device.allocated;
    const tables = this.#tables.reduce((sum, { byteLength }) => sum + byteLength, 0);
    return { weights: weights + tables, activations, cache };
  }

  /** The WebGPU device itself, for those who measure or break it. */
  get gpuDevice(): GPUDevice {
    return this.#session.device.raw;
  }

  async loadMatrix(source: MatrixSource, use: MatrixUse): Promise<GpuMatrix | HostTable> {
    this.#assertLive();
    if (use === "table") {
      const table = await HostTable.read(source);
      this.#tables.push(table);
      return table;
    }
    const matrix = new GpuMatrix(source);
    await this.#surviving(async () => {
      const session = this.#session;
      await matrix.upload(session.device);
      if (!this.#matrices.includes(matrix)) this.#matrices.push(matrix);
      await this.#inTurn(() => this.#prepareSession(session, [matrix])); // if the model was prepared already
    });
    return matrix;
  }

  freeTable(table: Matrix): void {
    const index = this.#tables.findIndex((each) => each === table);
    if (index >= 0) this.#tables.splice(index, 1);
  }

  loadNorm(name: string, weight: Float32Array, eps: number): GpuNorm {
    this.#assertLive();
    const norm = new GpuNorm(this.#session.device, name, weight, eps);
    this.#norms.push(norm);
    return norm;
  }

  /** @throws Qwen3Error `unsupported` if head_dim is not a multiple of 8 */
  async prepare(shape: DecoderShape): Promise<void> {
    this.#assertLive();
    if (shape.headDim % 8 !== 0) {
      const message = `head_dim is ${shape.headDim}; the device 'webgpu' needs a multiple of 8, so that both halves of a head are whole vec4s. Use the device 'wasm'.`;
      throw new Qwen3Error("unsupported", message);
    }
    this.#shape = shape;
    await this.#surviving(() => this.#inTurn(() => this.#prepareSession(this.#session, this.#matrices)));
  }

  /** Scores are float32 whatever the cache is for. */
  createKvCache(size: KvCacheSize): GpuKvCache {
    this.#assertLive();
    return new GpuKvCache(this.#session.device, size, (work) => {
      this.#turn = this.#turn.then(work).catch(() => {}); // the next batch reports what went wrong
    });
  }

  record(): WebGpuRecording {
    this.#assertLive();
    return new WebGpuRecording((program) => this.#surviving(() => this.#run(program)));
  }

  /** Times every dispatch of the work done meanwhile. Slower than without: each has a pass of its own. */
  async profile(work: () => Promise<unknown>): Promise<TimedDispatch[]> {
    const profile: TimedDispatch[] = [];
    this.#session.profile = profile;
    try {
      await work();
    } finally {
      this.#session.profile = undefined;
    }
    return profile;
  }

  async dispose(): Promise<void> {
    if (this.#disposed) return;
    this.#disposed = true;
    await this.#restoring?.catch(() => {});
    this.#session.device.dispose();
  }

  async #prepareSession(session: GpuSession, matrices: readonly GpuMatrix[]): Promise<void> {
    if (!this.#shape) return;
    const weights = { shape: this.#shape, matrices, tables: this.#tables, norms: this.#norms };
    await prepareSession(session, weights, this.#options, (message) => this.#warn(message));
  }

  /** Does some work; again if the device is lost meanwhile, once. */
  async #surviving<T>(work: () => Promise<T>): Promise<T> {
    const { device } = this.#session;
    try {
      return await work();
    } catch (error) {
      if (!(await this.#failedByLoss(device, error))) throw error;
      await this.#restore(device);
    }
    const { device: second } = this.#session;
    try {
      return await work();
    } catch (cause) {
      if (!(await this.#failedByLoss(second, cause))) throw cause;
      const why = `the GPU '${second.adapter.name}' was lost twice during the same work (${second.lostBecause})`;
      throw new Qwen3Error("device", `${why}; give it smaller batches, update its driver, or use the device 'wasm'`, {
        cause,
      });
    }
  }

  /** @throws Qwen3Error `disposed` if that is why */
  async #failedByLoss(device: GpuDevice, error: unknown): Promise<boolean> {
    if (!this.#disposed && error instanceof Qwen3Error && error.code !== "device") return false;
    const lost = await isLost(device);
    this.#assertLive();
    return lost;
  }

  async #run(program: Program): Promise<Float32Array[]> {
    this.#assertLive();
    const readResults = await this.#inTurn(() => this.#session.submit(program));
    return await readResults();
  }

  /** After all that was asked for before: planning and checking use the same memory. */
  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#turn.then(work);
    this.#turn = done.catch(() => {});
    return done;
  }

  /** Opens a device in place of the lost one and loads everything again. Batches that notice together share it. */
  #restore(lost: GpuDevice): Promise<void> {
    if (this.#session.device !== lost) return this.#restoring ?? Promise.resolve();
    this.#restoring ??= this.#reload(lost).finally(() => (this.#restoring = undefined));
    return this.#restoring;
  }

  async #reload(lost: GpuDevice): Promise<void> {
    this.#warn(`the GPU device was lost (${lost.lostBecause}); loading the model again`);
    lost.dispose();
    const device = await GpuDevice.open(this.#options);
    try {
      this.#assertLive();
      for (const matrix of this.#matrices) await matrix.upload(device);
      for (const norm of this.#norms) norm.restore(device);
      const session = new GpuSession(device, this.#options);
      await this.#prepareSession(session, this.#matrices);
      this.#session = session;
    } catch (error) {
      device.dispose();
      throw error;
    }
  }

  #warn(message: string): void {
    const { onWarning = (text) => process.emitWarning(text) } = this.#options;
    onWarning(message);
  }

  #assertLive(): void {
    if (this.#disposed) throw new Qwen3Error("disposed", "this WebGPU backend was disposed; create a new one");
  }
}

/** A batch can fail a moment before the device says that it is gone. */
async function isLost(device: GpuDevice): Promise<boolean> {
  const until = performance.now() + LOSS_GRACE_MS;
  while (device.lostBecause === undefined && performance.now() < until) await setTimeout(5);
  return device.lostBecause !== undefined;
}
