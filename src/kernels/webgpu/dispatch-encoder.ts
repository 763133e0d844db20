import type { GpuBuffer } from "../../core/gpu/gpu-buffer.ts";
import type { GpuDevice } from "../../core/gpu/gpu-device.ts";
import { BufferUsage } from "../../core/gpu/usage.ts";
import { roundUp } from "./activation-arena.ts";
import type { Dispatch } from "./kernel.ts";
import type { Pipeline, PipelineCache } from "./pipeline-cache.ts";

/** Offsets of uniform structs, on every adapter. */
const UNIFORM_ALIGNMENT = 256;
/** Bind groups kept; far more than a model and a few batch shapes need. */
const MOST_BIND_GROUPS = 8192;

/** Opens the pass that a dispatch belongs in: the same for all, or one each when they are timed. */
export type OpenPass = (index: number) => GPUComputePassEncoder;

/** Turns dispatches into commands. Uniform structs share one buffer, bind groups are kept and found again. */
export class DispatchEncoder {
  readonly #device: GpuDevice;
  readonly #pipelines: PipelineCache;
  /** By the dispatches' keys. */
  readonly #compiled = new Map<string, Pipeline>();
  readonly #bindGroups = new Map<string, GPUBindGroup>();
  #uniforms: GpuBuffer | undefined;

  constructor(device: GpuDevice, pipelines: PipelineCache) {
    this.#device = device;
    this.#pipelines = pipelines;
  }

  /** Compiles what is not yet compiled, all at once. */
  async compile(dispatches: readonly Dispatch[]): Promise<void> {
    const missing = new Map<string, Dispatch>();
    for (const dispatch of dispatches) if (!this.#compiled.has(dispatch.key)) missing.set(dispatch.key, dispatch);
    if (missing.size === 0) return;
    await Promise.all(
      [...missing].map(async ([key, dispatch]) => this.#compiled.set(key, await this.#pipelines.compile(dispatch))),
    );
  }

  /** Their pipelines must be compiled. */
  encode(dispatches: readonly Dispatch[], openPass: OpenPass): void {
    const uniforms = this.#writeUniforms(dispatches);
    if (this.#bindGroups.size > MOST_BIND_GROUPS) this.#bindGroups.clear();
    for (const [index, dispatch] of dispatches.entries()) {
      const pipeline = this.#compiled.get(dispatch.key);
      if (!pipeline) throw new RangeError(`kernel '${dispatch.key}' is not compiled`);
      const pass = openPass(index);
      pass.setPipeline(pipeline.raw);
      pass.setBindGroup(0, this.#bindGroup(pipeline, dispatch, uniforms.buffer), [uniforms.offsets[index] as number]);
      pass.dispatchWorkgroups(...dispatch.workgroups);
    }
  }

  /** One struct after the other; equal ones once. */
  #writeUniforms(dispatches: readonly Dispatch[]): { buffer: GpuBuffer; offsets: number[] } {
    const offsetOf = new Map<string, number>();
    const distinct: (readonly number[])[] = [];
    const offsets = dispatches.map(({ params }) => {
      const key = params.join();
      let offset = offsetOf.get(key);
      if (offset === undefined) {
        offset = (distinct.push(params) - 1) * UNIFORM_ALIGNMENT;
        offsetOf.set(key, offset);
      }
      return offset;
    });
    const words = new Uint32Array((distinct.length * UNIFORM_ALIGNMENT) / 4);
    for (const [i, params] of distinct.entries()) words.set(params, (i * UNIFORM_ALIGNMENT) / 4);
    const buffer = this.#uniformBuffer(words.byteLength);
    this.#device.raw.queue.writeBuffer(buffer.raw, 0, words);
    return { buffer, offsets };
  }

  #uniformBuffer(size: number): GpuBuffer {
    if (this.#uniforms && this.#uniforms.size >= size) return this.#uniforms;
    this.#uniforms?.destroy();
    this.#uniforms = this.#device.createBuffer({
      label: "uniforms",
      size: roundUp(size),
      usage: BufferUsage.uniform | BufferUsage.copyDst,
      pool: "activations",
    });
    return this.#uniforms;
  }

  #bindGroup(pipeline: Pipeline, { slices, params }: Dispatch, uniforms: GpuBuffer): GPUBindGroup {
    let key = `${pipeline.layout.label}|${uniforms.id}:${params.length}`;
    for (const { buffer, offset, size } of slices) key += `|${buffer.id}:${offset}:${size}`;
    let group = this.#bindGroups.get(key);
    if (!group) {
      const storage = slices.map(({ buffer, offset, size }) => ({ buffer: buffer.raw, offset, size }));
      const resources: GPUBufferBinding[] = [...storage, { buffer: uniforms.raw, size: UNIFORM_ALIGNMENT }];
      group = this.#device.raw.createBindGroup({
        layout: pipeline.layout,
        entries: resources.map((resource, binding) => ({ binding, resource })),
      });
      this.#bindGroups.set(key, group);
    }
    return group;
  }
}
