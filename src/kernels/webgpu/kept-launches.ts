import type { BufferSlice } from "../../core/gpu/gpu-buffer.ts";
import type { RotaryTable, Segment } from "../backend.ts";
import type { GpuTensor } from "./gpu-activation.ts";
import type { Dispatch } from "./kernel.ts";
import type { LaunchContext } from "./launch-context.ts";
import type { Operand, Operands, RecordedStep } from "./program.ts";

/** Rows beyond which a batch takes a GPU so long that planning it does not matter. */
const MOST_ROWS = 256;
/** Launches kept for a weight: queries come in a few lengths. */
const MOST_LAUNCHES = 32;

/** What a step became in an earlier batch, and from what. */
interface Launch {
  readonly operands: Operands;
  readonly matmuls: LaunchContext["matmuls"];
  /** Of inputs and outputs. */
  readonly places: readonly BufferSlice[];
  readonly uploads: readonly Upload[];
  readonly dispatches: readonly Dispatch[];
}

interface Upload {
  readonly slice: BufferSlice;
  /** Uploads it to the next batch's memory, if that batch has not done so. */
  readonly repeat: (context: LaunchContext) => BufferSlice;
}

/**
 * The dispatches of earlier batches. In another batch of the same lengths all but the token rows is the same and comes to
 * lie in the same places, so that its dispatches are the same objects, whose commands are ready.
 */
export class KeptLaunches {
  readonly #launches = new WeakMap<object, Launch[]>();

  /** A step's dispatches: an earlier batch's if it would become the same again. */
  launch(step: RecordedStep, tensors: readonly GpuTensor[], context: LaunchContext): readonly Dispatch[] {
    const { operands, inputs, outputs } = step;
    const rows = tensors[outputs[0] ?? -1]?.rows ?? 0;
    if (!operands || rows > MOST_ROWS) return step.launch(context);
    const kept = this.#of(operands.of);
    const known = kept.find(
      (launch) =>
        launch.operands.use === operands.use &&
        launch.matmuls === context.matmuls &&
        sameOperands(launch.operands, operands) &&
        launch.places.every((place, i) => samePlace(place, placeOf(step, i, tensors))) &&
        launch.uploads.every(({ slice, repeat }) => samePlace(slice, repeat(context))),
    );
    if (known) return known.dispatches;
    if (kept.length >= MOST_LAUNCHES) kept.shift();
    const places = [...inputs, ...outputs].map((_, i) => placeOf(step, i, tensors));
    const uploads: Upload[] = [];
    const dispatches = step.launch(observe(context, uploads));
    kept.push({ operands: copyOperands(operands, context), matmuls: context.matmuls, places, uploads, dispatches });
    return dispatches;
  }

  #of(owner: object): Launch[] {
    let launches = this.#launches.get(owner);
    if (!launches) {
      launches = [];
      this.#launches.set(owner, launches);
    }
    return launches;
  }
}

/** The context, noting what is uploaded. */
function observe(context: LaunchContext, uploads: Upload[]): LaunchContext {
  const note = (repeat: Upload["repeat"]): BufferSlice => {
    const slice = repeat(context);
    uploads.push({ slice, repeat });
    return slice;
  };
  return {
    ...context,
    upload: (array) => note(uploadOf(copyOf(array, context))),
    rotary: (table) => note(rotaryOf(table)),
  };
}

/** The caller may change host arrays once they are read. Steps that are given the same one get the same copy. */
function copyOf<T extends Uint8Array | Uint32Array>(array: T, context: LaunchContext): T {
  return context.memo(array, "copy", () => array.slice() as T);
}

function copyOperands({ with: operands = [], ...rest }: Operands, context: LaunchContext): Operands {
  const copies = operands.map((operand) => {
    if (operand instanceof Uint32Array) return copyOf(operand, context);
    return isList(operand) ? context.memo(operand, "copy", () => operand.map((segment) => ({ ...segment }))) : operand;
  });
  return { ...rest, with: copies };
}

// Made apart from the context, so that what is kept does not hold a batch.
function uploadOf(array: Uint8Array | Uint32Array): Upload["repeat"] {
  return (context) => context.upload(array);
}

function rotaryOf(table: RotaryTable): Upload["repeat"] {
  return (context) => context.rotary(table);
}

/** Of the inputs and then the outputs, of which a use has as many wherever its operands are the same. */
function placeOf({ inputs, outputs }: RecordedStep, i: number, tensors: readonly GpuTensor[]): BufferSlice {
  const index = i < inputs.length ? inputs[i] : outputs[i - inputs.length];
  return (tensors[index as number] as GpuTensor).slice;
}

/** A buffer that was freed is not any tensor's again. */
function samePlace(a: BufferSlice, b: BufferSlice): boolean {
  return a.buffer === b.buffer && a.offset === b.offset && a.size === b.size;
}

function sameOperands({ with: a = [] }: Operands, { with: b = [] }: Operands): boolean {
  return a.length === b.length && a.every((operand, i) => sameOperand(operand, b[i]));
}

function sameOperand(a: Operand, b: Operand): boolean {
  if (a === b) return true;
  if (a instanceof Uint32Array && b instanceof Uint32Array) {
    return a.length === b.length && a.every((value, i) => value === b[i]);
  }
  return isList(a) && isList(b) && a.length === b.length && a.every((segment, i) => sameSegment(segment, b[i]));
}

function isList(operand: Operand): operand is readonly Segment[] {
  return Array.isArray(operand);
}

function sameSegment(a: Segment, b: Segment | undefined): boolean {
  return (
    a.queryStart === b?.queryStart &&
    a.queryLength === b.queryLength &&
    a.keyStart === b.keyStart &&
    a.keyLength === b.keyLength &&
    a.prefixStart === b.prefixStart &&
    a.prefixLength === b.prefixLength
  );
}
