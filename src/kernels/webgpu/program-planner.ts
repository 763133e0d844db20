import type { BufferSlice, GpuBuffer } from "../../core/gpu/gpu-buffer.ts";
import type { GpuDevice } from "../../core/gpu/gpu-device.ts";
import { BufferUsage } from "../../core/gpu/usage.ts";
import { assignSlots } from "../slots.ts";
import { ActivationArena } from "./activation-arena.ts";
import { type GpuTensor, quadsOf } from "./gpu-activation.ts";
import { KeptLaunches } from "./kept-launches.ts";
import type { Dispatch } from "./kernel.ts";
import type { LaunchContext } from "./launch-context.ts";
import type { MatmulChooser } from "./matmul-planner.ts";
import { smallSubgroup } from "./matmul-tiles.ts";
import type { Program } from "./program.ts";
import { RotaryCopy } from "./rotary-copy.ts";
import { UploadArena } from "./upload-arena.ts";

export interface Plan {
  readonly dispatches: readonly Dispatch[];
  /** Where the results will be. */
  readonly results: readonly BufferSlice[];
}

/** Gives a program's values their memory, uploads what it brings along, and turns its steps into dispatches. */
export class ProgramPlanner {
  readonly #device: GpuDevice;
  readonly #arena: ActivationArena;
  readonly #uploads: UploadArena;
  readonly #rotary: RotaryCopy;
  /** Names of kernels. */
  readonly #distrusted = new Set<string>();
  #kept = new KeptLaunches();

  constructor(device: GpuDevice) {
    this.#device = device;
    this.#arena = new ActivationArena(device);
    this.#uploads = new UploadArena(device);
    this.#rotary = new RotaryCopy(device);
  }

  /** Does without a kernel from now on, wherever there is another one for its work. */
  distrust(kernel: string): void {
    this.#distrusted.add(kernel);
  }

  /** Chooses kernels anew. */
  forget(): void {
    this.#kept = new KeptLaunches();
  }

  /** The plan is valid until the next one: both use the same memory. */
  plan({ values, steps, results }: Program, matmuls: MatmulChooser): Plan {
    const kept = new Set(results.map(({ index }) => index));
    const sizes = values.map(({ byteLength }) => byteLength);
    const { slotOf, slotSizes } = assignSlots(steps, sizes, kept);
    const buffers = this.#arena.place(slotSizes);
    const tensors = values.map(({ index, rows, width, byteLength }): GpuTensor => {
      const buffer = buffers[slotOf[index] ?? -1] as GpuBuffer;
      return { rows, width, quads: quadsOf(width), slice: { buffer, offset: 0, size: byteLength } };
    });
    this.#uploads.reset();
    const context = this.#context({
      matmuls,
      tensor: ({ index }) => tensors[index] as GpuTensor,
      upload: (array) => this.#uploads.upload(array),
      rotary: (table) => this.#rotary.slice(table),
    });
    return {
      dispatches: steps.flatMap((step) => this.#kept.launch(step, tensors, context)),
      results: results.map((result) => context.tensor(result).slice),
    };
  }

  /** Frees what was replaced while planning. Not before the plan is submitted, which may still use it. */
  freeReplaced(): void {
    this.#rotary.freeReplaced();
  }

  /** The dispatches that a program would be. They name no memory, so they can be compiled, but not run. */
  rehearse({ steps }: Program, matmuls: MatmulChooser): Dispatch[] {
    const { storage: usage } = BufferUsage;
    const buffer = this.#device.createBuffer({ label: "rehearsal", size: 4, usage, pool: "activations" });
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
      limits: this.#device.limits,
      lanes: smallSubgroup(this.#device),
      trusts: (kernel) => !this.#distrusted.has(kernel.name),
      cache: (store, layer) => store.tensors(this.#device, layer),
      memo: <T extends object>(key: object, name: string, make: () => T): T => {
        const named = memos.get(key) ?? new Map<string, object>();
        memos.set(key, named);
        const value = (named.get(name) as T | undefined) ?? make();
        named.set(name, value);
        return value;
      },
    };
  }
}
