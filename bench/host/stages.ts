import type { WebGpuBackend } from "../../src/kernels/webgpu/webgpu-backend.ts";

/** Milliseconds that the host spends on a batch before the GPU has it. */
export interface Stages {
  /** From the call to the end of recording. */
  readonly recording: number;
  /** Memory, uploads and dispatches. */
  readonly planning: number;
  /** Dispatches into commands, mostly inside Dawn. */
  readonly encoding: number;
  readonly submitting: number;
}

/** Notes when a batch passes from stage to stage, at the calls that every batch makes. */
export class StageClock {
  #called = 0;
  #recorded = 0;
  #planned = 0;
  #stages: Stages | undefined;

  constructor(backend: WebGpuBackend) {
    const record = backend.record.bind(backend);
    backend.record = () => {
      const recording = record();
      const read = recording.read.bind(recording);
      recording.read = (...activations) => {
        this.#recorded = performance.now();
        return read(...activations);
      };
      return recording;
    };
    const { gpuDevice } = backend;
    const createCommandEncoder = gpuDevice.createCommandEncoder.bind(gpuDevice);
    gpuDevice.createCommandEncoder = (descriptor) => {
      this.#planned = performance.now();
      return createCommandEncoder(descriptor);
    };
    const { queue } = gpuDevice;
    const submit = queue.submit.bind(queue);
    queue.submit = (commands) => {
      const encoded = performance.now();
      submit(commands);
      this.#stages ??= this.#until(encoded, performance.now());
    };
  }

  /** Of the first batch that `work` submits. */
  async measure(work: () => Promise<unknown>): Promise<Stages> {
    this.#stages = undefined;
    this.#called = performance.now();
    await work();
    if (!this.#stages) throw new Error("nothing was submitted");
    return this.#stages;
  }

  #until(encoded: number, submitted: number): Stages {
    return {
      recording: this.#recorded - this.#called,
      planning: this.#planned - this.#recorded,
      encoding: encoded - this.#planned,
      submitting: submitted - encoded,
    };
  }
}
