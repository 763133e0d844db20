import type { BufferSlice } from "../../core/gpu/gpu-buffer.ts";

/** How a kernel uses a buffer. One buffer is never bound for reading and writing in the same dispatch. */
export type Access = "read" | "write" | "read_write";

/**
 * What a WGSL file expects of whoever launches it. A test parses every file and compares.
 *
 * Every file has the entry point `main`, the storage buffers of `bindings` as bindings 0, 1, … of group 0 in this order,
 * and after them one uniform struct whose members are `params`.
 */
export interface Kernel<Binding extends string = string, Param extends string = string> {
  /** File name without `.wgsl`. */
  readonly name: string;
  readonly bindings: Readonly<Record<Binding, Access>>;
  readonly params: Readonly<Record<Param, "u32" | "f32">>;
}

/** Values for a kernel's `override`s, and for its `const`s and `alias`es that no override can express. */
export type Constants = Readonly<Record<string, number | string>>;

/** A WGSL program with its constants: what one pipeline is made from. */
export interface KernelVariant {
  readonly kernel: Kernel;
  readonly constants: Constants;
}

/** One `dispatchWorkgroups`, described completely. */
export interface Dispatch extends KernelVariant {
  /** `variantKey`, made once: a dispatch may come again with every batch. */
  readonly key: string;
  /** What is computed, for profiles and errors. */
  readonly label: string;
  /** In the order of the kernel's bindings. */
  readonly slices: readonly BufferSlice[];
  /** The words of the uniform struct. */
  readonly params: readonly number[];
  readonly workgroups: readonly [x: number, y: number, z?: number];
  /** Floating point operations, for profiles. */
  readonly flops: number;
}

export interface DispatchRequest<Binding extends string, Param extends string> {
  readonly label: string;
  readonly constants?: Constants;
  readonly buffers: Readonly<Record<Binding, BufferSlice>>;
  readonly params: Readonly<Record<Param, number>>;
  readonly workgroups: readonly [x: number, y: number, z?: number];
  readonly flops?: number;
}

/** Puts buffers and parameters in the order that the kernel declares them. */
export function dispatch<Binding extends string, Param extends string>(
  kernel: Kernel<Binding, Param>,
  { label, constants = {}, buffers, params, workgroups, flops = 0 }: DispatchRequest<Binding, Param>,
): Dispatch {
  const names = Object.keys(kernel.bindings) as Binding[];
  return {
    kernel,
    constants,
    key: variantKey({ kernel, constants }),
    label,
    slices: names.map((name) => buffers[name]),
    params: packParams(kernel, params),
    workgroups,
    flops,
  };
}

function packParams<Param extends string>(
  kernel: Kernel<string, Param>,
  values: Readonly<Record<Param, number>>,
): number[] {
  const entries = Object.entries(kernel.params) as [Param, "u32" | "f32"][];
  return entries.map(([name, type]) => (type === "u32" ? values[name] : floatBits(values[name])));
}

const wordView = new DataView(new ArrayBuffer(4));

/** A float32 as a word. */
function floatBits(value: number): number {
  wordView.setFloat32(0, value);
  return wordView.getUint32(0);
}

/** Identifies a pipeline. A launcher names its constants in one order always: sorting would cost as much as the rest of a dispatch. */
export function variantKey({ kernel, constants }: KernelVariant): string {
  let key = kernel.name;
  for (const [name, value] of Object.entries(constants)) key += ` ${name}=${value}`;
  return key;
}
