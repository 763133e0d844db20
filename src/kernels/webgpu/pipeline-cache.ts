import { Qwen3Error } from "../../core/errors.ts";
import type { GpuDevice } from "../../core/gpu/gpu-device.ts";
import { SHADER_STAGE_COMPUTE } from "../../core/gpu/usage.ts";
import { type Access, type Kernel, type KernelVariant, variantKey } from "./kernel.ts";
import { readShader, specialize } from "./shader-source.ts";

/** A compiled kernel and the layout that its bind groups follow. */
export interface Pipeline {
  readonly key: string;
  readonly raw: GPUComputePipeline;
  readonly layout: GPUBindGroupLayout;
}

/** Compiles every variant of a kernel once per device. */
export class PipelineCache {
  readonly #device: GpuDevice;
  /** WGSL by kernel name, in place of the built-in files. */
  readonly #sources: Readonly<Record<string, string>>;
  readonly #pipelines = new Map<string, Promise<Pipeline>>();
  readonly #ready = new Map<string, Pipeline>();
  readonly #layouts = new Map<string, GPUBindGroupLayout>();

  constructor(device: GpuDevice, sources: Readonly<Record<string, string>> = {}) {
    this.#device = device;
    this.#sources = sources;
  }

  /**
   * Compiles, or returns what is compiled already. Calls made together compile together.
   *
   * @throws Qwen3Error `device` with the compiler's messages beside the lines they are about
   */
  compile(variant: KernelVariant): Promise<Pipeline> {
    const key = variantKey(variant);
    let pipeline = this.#pipelines.get(key);
    if (!pipeline) {
      pipeline = this.#build(key, variant);
      pipeline.then(
        (ready) => this.#ready.set(key, ready),
        () => this.#pipelines.delete(key),
      );
      this.#pipelines.set(key, pipeline);
    }
    return pipeline;
  }

  /** The pipeline if it is compiled. */
  ready(key: string): Pipeline | undefined {
    return this.#ready.get(key);
  }

  async #build(key: string, { kernel, constants }: KernelVariant): Promise<Pipeline> {
    const source = this.#sources[kernel.name] ?? (await readShader(kernel.name));
    const { code, overrides } = specialize(kernel.name, source, constants);
    const { raw: device } = this.#device;
    const layout = this.#layoutOf(kernel);
    device.pushErrorScope("validation"); // the messages below say it better
    const module = device.createShaderModule({ label: key, code });
    const silenced = this.#device.ask(() => device.popErrorScope());
    try {
      const descriptor = {
        label: key,
        layout: device.createPipelineLayout({ label: key, bindGroupLayouts: [layout] }),
        compute: { module, entryPoint: "main", constants: overrides },
      };
      const raw = await this.#device.ask(() => device.createComputePipelineAsync(descriptor));
      return { key, raw, layout };
    } catch (cause) {
      const { messages } = await this.#device.ask(() => module.getCompilationInfo());
      const details = messages.length > 0 ? annotate(code, messages) : String(cause);
      throw new Qwen3Error(
        "device",
        `kernel '${key}' does not compile on '${this.#device.adapter.name}':\n${details}`,
        {
          cause,
        },
      );
    } finally {
      await silenced.catch(() => null);
    }
  }

  #layoutOf(kernel: Kernel): GPUBindGroupLayout {
    const access: Access[] = Object.values(kernel.bindings);
    const key = access.join(",");
    let layout = this.#layouts.get(key);
    if (!layout) {
      layout = this.#device.raw.createBindGroupLayout({ label: key, entries: layoutEntries(access) });
      this.#layouts.set(key, layout);
    }
    return layout;
  }
}

/** The storage buffers, then the uniform struct. */
function layoutEntries(access: readonly Access[]): GPUBindGroupLayoutEntry[] {
  const types: GPUBufferBindingType[] = access.map((kind) => (kind === "read" ? "read-only-storage" : "storage"));
  return [...types, "uniform" as const].map((type, binding) => ({
    binding,
    visibility: SHADER_STAGE_COMPUTE,
    buffer: { type },
  }));
}

/** Each message under the source line it points at. */
function annotate(code: string, messages: readonly GPUCompilationMessage[]): string {
  const lines = code.split("\n");
  return messages
    .map(({ lineNum, linePos, type, message }) => {
      const gutter = `${lineNum} | `;
      const pointer = `${" ".repeat(gutter.length + Math.max(0, linePos - 1))}^`;
      return `${gutter}${lines[lineNum - 1] ?? ""}\n${pointer} ${type}: ${message}`;
    })
    .join("\n");
}
