import { type ChildProcess, fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { AdapterDescription } from "../../core/gpu/adapter.ts";
import type { BackendKind, DeviceInfo } from "../../kernels/backend.ts";

/** A backend that could be made, or why not. */
export interface Probe {
  readonly kind: BackendKind;
  readonly device?: DeviceInfo;
  readonly reason?: string;
  /** Of webgpu: everything that Dawn can open, software too. */
  readonly adapters?: readonly ProbedAdapter[];
}

export interface ProbedAdapter extends AdapterDescription {
  /** Matrix products that were timed on it, for the fastest kernels. */
  readonly timedProducts: number;
}

/**
 * Makes a backend in a process of its own: GPU drivers write to stderr as they like, and a broken one may take its
 * process down.
 */
export async function probe(kind: "auto" | BackendKind): Promise<Probe> {
  const child = fork(fileURLToPath(new URL("probe-process.js", import.meta.url)), [kind], {
    stdio: ["ignore", "ignore", "ignore", "ipc"],
  });
  const answer = await answerOf(child);
  return typeof answer === "string" ? { kind: kind === "auto" ? "wasm" : kind, reason: answer } : answer;
}

/** @returns how the process ended if it ended without an answer */
function answerOf(child: ChildProcess): Promise<Probe | string> {
  return new Promise((resolve) => {
    child.once("message", (message) => resolve(message as Probe));
    child.once("error", (error) => resolve(error.message));
    child.once("exit", (code, signal) => resolve(`the driver ended the process (${signal ?? `exit code ${code}`})`));
  });
}
