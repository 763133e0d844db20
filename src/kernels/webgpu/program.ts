import type { GpuActivation } from "./gpu-activation.ts";
import type { Dispatch } from "./kernel.ts";
import type { LaunchContext } from "./launch-context.ts";
import type { Step } from "../slots.ts";

/** One recorded operation: which values it reads and writes, and how it becomes dispatches. */
export interface RecordedStep extends Step {
  launch(context: LaunchContext): Dispatch[];
}

/** Everything a recording asks for. It holds no GPU objects, so it can run again on another device. */
export interface Program {
  readonly values: readonly GpuActivation[];
  readonly steps: readonly RecordedStep[];
  readonly results: readonly GpuActivation[];
}
