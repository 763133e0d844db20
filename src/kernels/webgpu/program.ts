import type { RotaryTable, Segment } from "../backend.ts";
import type { GpuActivation } from "./gpu-activation.ts";
import type { GpuNorm } from "./gpu-norm.ts";
import type { Dispatch } from "./kernel.ts";
import type { LaunchContext } from "./launch-context.ts";
import type { Step } from "../slots.ts";

/** One recorded operation: which values it reads and writes, and how it becomes dispatches. */
export interface RecordedStep extends Step {
  /** All that its dispatches depend on besides its values' places. Absent where batches seldom agree in it. */
  readonly operands?: Operands | undefined;
  launch(context: LaunchContext): Dispatch[];
}

export interface Operands {
  /** The weight, or whatever else tells an operation from others. */
  readonly of: object;
  readonly use: string;
  /** Compared by their values where they are arrays. @default none */
  readonly with?: readonly Operand[];
}

export type Operand = GpuNorm | RotaryTable | Uint32Array | readonly Segment[] | undefined;

/** Everything that a recording asks for. It holds no GPU objects, so it can run again on another device. */
export interface Program {
  readonly values: readonly GpuActivation[];
  readonly steps: readonly RecordedStep[];
  readonly results: readonly GpuActivation[];
}
