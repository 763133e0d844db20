import type { Activation } from "../backend.ts";
import { foreign } from "./foreign.ts";
import { GpuActivation } from "./gpu-activation.ts";
import type { Dispatch } from "./kernel.ts";
import type { LaunchContext } from "./launch-context.ts";
import type { Program, RecordedStep, Operands } from "./program.ts";

export interface StepRequest {
  readonly inputs: readonly GpuActivation[];
  readonly outputs: readonly GpuActivation[];
  /** See RecordedStep. */
  readonly operands?: Operands | undefined;
  readonly launch: (context: LaunchContext) => Dispatch[];
}

/** Numbers the values of a recording and lists its steps. */
export class ProgramBuilder {
  readonly #values: GpuActivation[] = [];
  readonly #steps: RecordedStep[] = [];

  value(rows: number, width: number): GpuActivation {
    const value = new GpuActivation(this.#values.length, rows, width);
    this.#values.push(value);
    return value;
  }

  step({ inputs, outputs, operands, launch }: StepRequest): void {
    this.#steps.push({ inputs: inputs.map(indexOf), outputs: outputs.map(indexOf), operands, launch });
  }

  /** @throws Qwen3Error `invalid-argument` if another recording made it */
  own(x: Activation): GpuActivation {
    if (x instanceof GpuActivation && this.#values[x.index] === x) return x;
    throw foreign("activation", "recording");
  }

  build(results: readonly Activation[]): Program {
    return { values: this.#values, steps: this.#steps, results: results.map((result) => this.own(result)) };
  }
}

function indexOf({ index }: GpuActivation): number {
  return index;
}
