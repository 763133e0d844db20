import { Qwen3Error } from "../errors.ts";

/** How Dawn (npm `webgpu`) is started. */
export interface DawnOptions {
  /** Exactly this adapter, as `listAdapters` names it. */
  readonly adapter?: string;
  /**
   * `true` makes Dawn guard every buffer access against leaving its buffer. Our kernels bound every access themselves,
   * and the guards cost up to a third of a matrix product on real GPUs, so they are off. @default false
   */
  readonly robustness?: boolean;
}

/** An adapter as Dawn lists it. */
export interface ListedAdapter {
  readonly backend: string;
  readonly name: string;
}

/**
 * - allow_unsafe_apis: experimental features (subgroup matrices)
 * - disable_workgroup_init: our kernels write workgroup memory before they read it
 * - disable_polyfills_on_integer_div_and_mod: we never divide by zero
 * - vulkan_enable_f16_on_nvidia: else its matrix units, which take f16, are not offered; no other kernel uses f16
 * - use_dxc: FXC needs a hundred times longer for unrolled loops (Direct3D only)
 */
const ENABLED = [
  "allow_unsafe_apis",
  "disable_workgroup_init",
  "disable_polyfills_on_integer_div_and_mod",
  "vulkan_enable_f16_on_nvidia",
  "use_dxc",
] as const;

/**
 * - lazy_clear_resource_on_first_use: we write buffers before we read them
 * - timestamp_quantization: profiles need more than 100 µs resolution
 */
const DISABLED = ["lazy_clear_resource_on_first_use", "timestamp_quantization"] as const;

/** A name no adapter has; Dawn answers it with the list of those there are. */
const NO_ADAPTER = "no adapter has this name";

/**
 * Starts Dawn. The module is loaded only here, so that nobody without a GPU pays for it. The process cannot end while
 * the returned object is reachable and a device is alive.
 *
 * @throws Qwen3Error `device` where the npm package has no build for this platform
 */
export async function startDawn({ adapter, robustness = false }: DawnOptions = {}): Promise<GPU> {
  const enabled = robustness ? ENABLED : [...ENABLED, "disable_robustness"];
  const { create } = await importDawn();
  return create([
    `enable-dawn-features=${enabled.join(",")}`,
    `disable-dawn-features=${DISABLED.join(",")}`,
    ...(adapter === undefined ? [] : [`adapter=${adapter}`]),
  ]);
}

/** Every adapter of this machine, software ones included. */
export async function listAdapters(): Promise<ListedAdapter[]> {
  const gpu = await startDawn({ adapter: NO_ADAPTER });
  try {
    await gpu.requestAdapter();
    return [];
  } catch (error) {
    const lines = String(error).matchAll(/backend: '([^']*)', name: '([^']*)'/g);
    return Array.from(lines, ([, backend = "", name = ""]) => ({ backend, name }));
  }
}

async function importDawn(): Promise<typeof import("webgpu")> {
  try {
    return await import("webgpu");
  } catch (cause) {
    throw new Qwen3Error(
      "device",
      `WebGPU could not be started on ${process.platform}-${process.arch}: ${String(cause)}. ` +
        `The npm package 'webgpu' has builds for linux, darwin and win32; reinstall it, or use the device 'wasm'.`,
      { cause },
    );
  }
}
