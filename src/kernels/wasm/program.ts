import { assignSlots } from "../slots.ts";

/** A range of memory that a step writes and later steps read; it has an address only while its program runs. */
export class Value {
  readonly id: number;
  readonly bytes: number;

  constructor(id: number, bytes: number) {
    this.id = id;
    this.bytes = bytes;
  }
}

/** Arrays of the caller's, copied into the program's memory. */
export type HostArray = Uint32Array | Float32Array;

/** A host array that several programs use: its copy stays for as long as every program uses it. */
export class Resident {
  readonly array: HostArray;

  constructor(array: HostArray) {
    this.array = array;
  }
}

/** A small weight, such as a norm's: copied once to every memory whose kernels read it. */
export class Constant {
  readonly name: string;
  readonly array: HostArray;

  constructor(name: string, array: HostArray) {
    this.name = name;
    this.array = array;
  }
}

/** One word of a kernel's arguments: a number or an address to be filled in. */
export type Operand = number | Value | HostArray | Resident | Constant;

/** One run of a kernel over `tiles` independent pieces of its work. */
export interface Step {
  readonly kernel: string;
  readonly tiles: number;
  readonly args: readonly Operand[];
  readonly inputs: readonly Value[];
  readonly outputs: readonly Value[];
  /** Working memory that every thread needs. */
  readonly scratchBytes?: number;
}

/** What has been recorded so far. */
export class Recorder {
  readonly steps: Step[] = [];
  readonly #sizes: number[] = [];
  readonly #derived = new Map<object, Map<string, HostArray>>();

  value(bytes: number): Value {
    return new Value(this.#sizes.push(bytes) - 1, bytes);
  }

  /** What `make` returns, made once for each `source` and use of it: several layers' steps then share one upload. */
  once<T extends HostArray>(source: object, use: string, make: () => T): T {
    const derived = this.#derived.get(source) ?? new Map<string, HostArray>();
    this.#derived.set(source, derived);
    const known = derived.get(use) ?? make();
    derived.set(use, known);
    return known as T;
  }

  step(step: Step): void {
    this.steps.push(step);
  }

  /** With the same values, for some of the steps. */
  withoutSteps(): Recorder {
    const other = new Recorder();
    other.#sizes.push(...this.#sizes);
    return other;
  }

  /** Drops steps whose outputs nobody reads: norms that products compute on the way. */
  dropUnread(kept: readonly Value[]): void {
    const read = new Set(kept);
    for (let i = this.steps.length - 1; i >= 0; i--) {
      const { inputs, outputs } = this.steps[i] as Step;
      if (outputs.length > 0 && !outputs.some((value) => read.has(value))) this.steps.splice(i, 1);
      else for (const value of inputs) read.add(value);
    }
  }

  /** Byte offset of every value from the start of a common block, and the size of that block. */
  layOut(kept: readonly Value[]): { readonly offsetOf: (value: Value) => number; readonly bytes: number } {
    const steps = this.steps.map(({ inputs, outputs }) => ({ inputs: inputs.map(idOf), outputs: outputs.map(idOf) }));
    const { slotOf, slotSizes } = assignSlots(steps, this.#sizes, new Set(kept.map(idOf)));
    let bytes = 0;
    const offsets = slotSizes.map((size) => (bytes += alignUp(size)) - alignUp(size));
    return { offsetOf: ({ id }) => offsets[slotOf[id] as number] as number, bytes };
  }
}

/** The bits of a float32, for kernels that read one from their arguments. */
export function f32Bits(value: number): number {
  return new Uint32Array(Float32Array.of(value).buffer)[0] as number;
}

/** Rounded up to a cache line. */
export function alignUp(bytes: number): number {
  return Math.ceil(bytes / 64) * 64;
}

function idOf({ id }: Value): number {
  return id;
}
