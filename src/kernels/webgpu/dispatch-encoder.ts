import type { GpuDevice } from "../../core/gpu/gpu-device.ts";
import type { Dispatch } from "./kernel.ts";
import type { Pipeline, PipelineCache } from "./pipeline-cache.ts";
import { UniformPool } from "./uniform-pool.ts";

/** Bind groups kept; far more than a model and a few batch shapes need. */
const MOST_BIND_GROUPS = 8192;

/** Opens the pass that a dispatch belongs in: the same for all, or one each when they are timed. */
export type OpenPass = (index: number) => GPUComputePassEncoder;

/** A dispatch as WebGPU wants it. */
interface Command {
  readonly pipeline: GPUComputePipeline;
  readonly group: GPUBindGroup;
}

/** Turns dispatches into commands. Bind groups are kept and found again. */
export class DispatchEncoder {
  readonly #device: GpuDevice;
  readonly #pipelines: PipelineCache;
  readonly #uniforms: UniformPool;
  readonly #bindGroups = new Map<string, GPUBindGroup>();
  /** For dispatches that come again. */
  #commands = new WeakMap<Dispatch, Command>();

  constructor(device: GpuDevice, pipelines: PipelineCache) {
    this.#device = device;
    this.#pipelines = pipelines;
    this.#uniforms = new UniformPool(device);
  }

  /** Compiles what is not yet compiled, all at once. */
  async compile(dispatches: readonly Dispatch[]): Promise<void> {
    const missing = dispatches.filter((each) => !this.#commands.has(each) && !this.#pipelines.ready(each.key));
    if (missing.length > 0) await Promise.all(missing.map((dispatch) => this.#pipelines.compile(dispatch)));
  }

  /** Their pipelines must be compiled. */
  encode(dispatches: readonly Dispatch[], openPass: OpenPass): void {
    if (!this.#uniforms.reserve(dispatches.length) || this.#bindGroups.size > MOST_BIND_GROUPS) {
      this.#bindGroups.clear();
      this.#commands = new WeakMap();
    }
    for (const [index, dispatch] of dispatches.entries()) {
      const { pipeline, group } = this.#command(dispatch);
      const pass = openPass(index);
      pass.setPipeline(pipeline);
      pass.setBindGroup(0, group);
      pass.dispatchWorkgroups(...dispatch.workgroups);
    }
    this.#uniforms.write();
  }

  #command(dispatch: Dispatch): Command {
    let command = this.#commands.get(dispatch);
    if (!command) {
      const pipeline = this.#pipelines.ready(dispatch.key);
      if (!pipeline) throw new RangeError(`kernel '${dispatch.key}' is not compiled`);
      command = { pipeline: pipeline.raw, group: this.#bindGroup(pipeline, dispatch) };
      this.#commands.set(dispatch, command);
    }
    return command;
  }

  #bindGroup({ layout }: Pipeline, { label, slices, params }: Dispatch): GPUBindGroup {
    const bound = [...slices, this.#uniforms.slice(params)];
    let key = layout.label;
    for (const { buffer, offset, size } of bound) key += `|${buffer.id}:${offset}:${size}`;
    let group = this.#bindGroups.get(key);
    if (!group) {
      group = this.#device.raw.createBindGroup({
        label,
        layout,
        entries: bound.map(({ buffer, offset, size }, binding) => {
          return { binding, resource: { buffer: buffer.raw, offset, size } };
        }),
      });
      this.#bindGroups.set(key, group);
    }
    return group;
  }
}
