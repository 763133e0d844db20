/** Run by `probe`: makes the backend named by the first argument and tells the parent about it. */
import { describeAdapters } from "../../core/gpu/adapter.ts";
import type { BackendKind } from "../../kernels/backend.ts";
import { countTuned, tuningFolder } from "../../kernels/webgpu/tuning-store.ts";
import { chooseBackend } from "../../model/choose-backend.ts";
import type { Probe, ProbedAdapter } from "./probe.ts";

const kind = process.argv[2] as "auto" | BackendKind;
const adapters = kind === "webgpu" ? { adapters: await probeAdapters() } : {};
const answer: Probe = { ...(await make()), ...adapters };
process.send?.(answer, () => process.exit());

async function probeAdapters(): Promise<ProbedAdapter[]> {
  const probed: ProbedAdapter[] = [];
  for (const adapter of await describeAdapters().catch(() => [])) {
    const { vendor, driver } = adapter;
    probed.push({ ...adapter, timedProducts: await countTuned(tuningFolder(), { vendor, driver }) });
  }
  return probed;
}

async function make(): Promise<Probe> {
  try {
    const backend = await chooseBackend({ device: kind });
    return { kind: backend.kind, device: backend.device };
  } catch (error) {
    return { kind: kind === "auto" ? "wasm" : kind, reason: error instanceof Error ? error.message : String(error) };
  }
}
