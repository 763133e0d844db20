import type { GpuDevice } from "../../core/gpu/gpu-device.ts";
import { PassTimer } from "../../core/gpu/pass-timer.ts";
import type { DispatchEncoder } from "./dispatch-encoder.ts";
import type { Dispatch } from "./kernel.ts";

/** Milliseconds that each dispatch takes: by the GPU's timestamps where it has them, else by the clock. */
export async function timeDispatches(
  device: GpuDevice,
  encoder: DispatchEncoder,
  dispatches: readonly Dispatch[],
): Promise<number[]> {
  if (device.features.has("timestamp-query")) return byTimestamps(device, encoder, dispatches);
  const times: number[] = [];
  for (const dispatch of dispatches) times.push(await byClock(device, encoder, dispatch));
  return times;
}

async function byTimestamps(
  device: GpuDevice,
  encoder: DispatchEncoder,
  dispatches: readonly Dispatch[],
): Promise<number[]> {
  const timer = await device.guard("tuning", () => {
    const passes = new PassTimer(device, dispatches.length);
    const commands = device.raw.createCommandEncoder({ label: "tuning" });
    let pass: GPUComputePassEncoder | undefined;
    encoder.encode(dispatches, (index) => {
      pass?.end();
      pass = commands.beginComputePass({ label: "tuning", timestampWrites: passes.timestampWrites(index) });
      return pass;
    });
    pass?.end();
    passes.resolve(commands);
    device.raw.queue.submit([commands.finish()]);
    return passes;
  });
  return (await timer.read()).map((nanoseconds) => nanoseconds / 1e6);
}

/** Repeated within a submission, since waiting for one takes about as long as a small product. */
const REPEATS = 8;

async function byClock(device: GpuDevice, encoder: DispatchEncoder, dispatch: Dispatch): Promise<number> {
  const started = performance.now();
  await device.guard("tuning", () => {
    const commands = device.raw.createCommandEncoder({ label: "tuning" });
    const pass = commands.beginComputePass({ label: "tuning" });
    encoder.encode(Array.from({ length: REPEATS }, () => dispatch), () => pass); // oxfmt-ignore
    pass.end();
    device.raw.queue.submit([commands.finish()]);
  });
  await device.ask(() => device.raw.queue.onSubmittedWorkDone());
  return (performance.now() - started) / REPEATS;
}
