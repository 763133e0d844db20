import { Qwen3Error } from "../errors.ts";
import { listAdapters, type ListedAdapter, startDawn } from "./dawn.ts";

export interface AdapterOptions {
  /** Part of the adapter's name, in any case. It also allows a software adapter. @default the best there is */
  readonly adapter?: string;
  /** Which of several GPUs. @default "high-performance" */
  readonly powerPreference?: GPUPowerPreference;
  /** Whether a CPU that pretends to be a GPU will do (llvmpipe, SwiftShader, WARP). @default false */
  readonly allowSoftware?: boolean;
  /** Whether Dawn guards buffer accesses too. @default false */
  readonly robustness?: boolean;
}

/** What can be said about an adapter. */
export interface AdapterSummary {
  /** As its driver calls it. */
  readonly name: string;
  readonly vendor: string;
  readonly architecture: string;
  readonly driver: string;
  /** Runs on the CPU. */
  readonly software: boolean;
}

/** And what it can do, for people who choose. */
export interface AdapterDescription extends AdapterSummary {
  /** Optional features that our kernels can use. */
  readonly features: readonly string[];
  /** Threads that run in step: at least and at most. 0 where it does not say. */
  readonly subgroupSizes: readonly [least: number, most: number];
  readonly limits: Readonly<Record<(typeof DESCRIBED_LIMITS)[number], number>>;
}

/** Those that decide which kernels run and how matrices are split. */
const DESCRIBED_LIMITS = [
  "maxStorageBufferBindingSize",
  "maxBufferSize",
  "maxComputeWorkgroupStorageSize",
  "maxComputeInvocationsPerWorkgroup",
] as const;

/** The optional features that our kernels and profiles know how to use. */
export const GPU_FEATURES = [
  "timestamp-query",
  "shader-f16",
  "subgroups",
  "chromium-experimental-subgroup-matrix",
] as const;
export type GpuFeature = (typeof GPU_FEATURES)[number];

export interface ChosenAdapter {
  /** Must stay reachable as long as the adapter's devices live. */
  readonly gpu: GPU;
  readonly adapter: GPUAdapter;
  readonly summary: AdapterSummary;
}

const SOFTWARE = /llvmpipe|lavapipe|swiftshader|warp|software|basic render/i;

/**
 * Takes the adapter asked for, or the first that is no software.
 *
 * @throws Qwen3Error `device` that lists the adapters there are, or says what to install where there is none
 */
export async function chooseAdapter(options: AdapterOptions = {}): Promise<ChosenAdapter> {
  const wanted = options.adapter?.toLowerCase();
  if (wanted?.trim() === "")
    throw new Qwen3Error("invalid-argument", "adapter is empty; expected part of an adapter's name");
  const accepts = ({ software }: AdapterSummary): boolean => options.allowSoftware === true || !software;
  if (wanted === undefined) {
    const preferred = await openAdapter(options);
    if (preferred && accepts(preferred.summary)) return preferred;
  }
  const listed = await listAdapters();
  for (const { name } of listed) {
    if (wanted !== undefined && !name.toLowerCase().includes(wanted)) continue;
    const candidate = await openAdapter(options, name);
    if (candidate && (wanted !== undefined || accepts(candidate.summary))) return candidate;
  }
  throw noAdapter(listed, options.adapter);
}

/** Every adapter that Dawn can open, for people who ask what there is. */
export async function describeAdapters(): Promise<AdapterDescription[]> {
  const descriptions: AdapterDescription[] = [];
  for (const { name } of await listAdapters()) {
    const opened = await openAdapter({}, name);
    if (opened) descriptions.push(describe(opened));
  }
  return descriptions;
}

function describe({ adapter, summary }: ChosenAdapter): AdapterDescription {
  const { subgroupMinSize, subgroupMaxSize } = adapter.info;
  const limits = Object.fromEntries(DESCRIBED_LIMITS.map((name) => [name, adapter.limits[name]]));
  return {
    ...summary,
    features: GPU_FEATURES.filter((feature) => adapter.features.has(feature)),
    subgroupSizes: [subgroupMinSize ?? 0, subgroupMaxSize ?? 0],
    limits: limits as AdapterDescription["limits"],
  };
}

async function openAdapter(options: AdapterOptions, name?: string): Promise<ChosenAdapter | undefined> {
  const gpu = await startDawn({
    ...(name === undefined ? {} : { adapter: name }),
    robustness: options.robustness ?? false,
  });
  const adapter = await gpu.requestAdapter({ powerPreference: options.powerPreference ?? "high-performance" });
  return adapter ? { gpu, adapter, summary: summarize(adapter.info, name) } : undefined;
}

function summarize(info: GPUAdapterInfo, name = info.device): AdapterSummary {
  return {
    name,
    vendor: info.vendor,
    architecture: info.architecture,
    driver: info.description,
    software: info.isFallbackAdapter || SOFTWARE.test(`${name} ${info.architecture} ${info.description}`),
  };
}

function noAdapter(listed: readonly ListedAdapter[], wanted: string | undefined): Qwen3Error {
  const names = listed.map(({ backend, name }) => `'${name}' (${backend})`).join(", ");
  if (wanted !== undefined && names !== "") {
    return new Qwen3Error("device", `no WebGPU adapter is called '${wanted}'; this machine has ${names}`);
  }
  if (names !== "") {
    const advice = "install the GPU's driver, name one of them as 'adapter', or use the device 'wasm'";
    return new Qwen3Error("device", `this machine has only software adapters: ${names}; ${advice}`);
  }
  return new Qwen3Error(
    "device",
    `this machine has no WebGPU adapter; ${INSTALL_ADVICE[process.platform] ?? ""}${WASM}`,
  );
}

const WASM = "or use the device 'wasm'";

/** Where no adapter is found the cause is nearly always that one of these is missing. */
const INSTALL_ADVICE: Readonly<Partial<Record<NodeJS.Platform, string>>> = {
  linux:
    "install a Vulkan driver and loader (Debian and Ubuntu: libvulkan1 and the GPU vendor's driver, or " +
    "mesa-vulkan-drivers 24 or newer), check with vulkaninfo that it is seen, ",
  win32: "install the GPU vendor's current driver (Direct3D 12 is needed), ",
  darwin: "a Mac with Metal is needed, ",
};
