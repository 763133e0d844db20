import { basename } from "node:path";
import { list } from "../command-line.ts";
import { defaultCache } from "../peers/install.ts";
import type { KernelSpec } from "./kernel-process.ts";

/** What of the command line decides who takes part. */
export interface Choice {
  readonly device: string;
  readonly peers: string;
  readonly wgsl?: string;
  readonly op: string;
  readonly threads: string;
  readonly adapter?: string;
  readonly cache?: string;
}

/** Our own backends, somebody's own kernel, and the peers. */
export function specs(choice: Choice): KernelSpec[] {
  const { threads, adapter, wgsl } = choice;
  const kernel = choice.op === "matmul" ? "matmul-tiled" : choice.op;
  const gpu = adapter === undefined ? {} : { adapter };
  return [
    ...list(choice.device).map((device) => deviceSpec(device, gpu, threads)),
    ...(wgsl === undefined ? [] : [{ ...ownSpec("webgpu", { ...gpu, wgsl, kernel }), label: basename(wgsl) }]),
    ...list(choice.peers).map((peer) => peerSpec(peer, threads, choice.cache ?? defaultCache())),
  ];
}

/** `KIND` or `KIND/WEIGHTS`, the latter of wasm: `wasm/int8`. */
function deviceSpec(device: string, gpu: Readonly<Record<string, string>>, threads: string): KernelSpec {
  const [kind = "", weights] = device.split("/");
  const options = kind === "webgpu" ? gpu : { threads, ...(weights === undefined ? {} : { weights }) };
  return { ...ownSpec(kind, options), label: `ours ${device}` };
}

export function ownSpec(kind: string, options: Readonly<Record<string, string>>): KernelSpec {
  return { label: `ours ${kind}`, module: "backend-driver", options: { kind, ...options } };
}

function peerSpec(peer: string, threads: string, cache: string): KernelSpec {
  const [name, provider = "cpu"] = peer.split("/");
  if (name !== "onnxruntime") throw new Error(`peer '${peer}': expected onnxruntime/cpu or onnxruntime/webgpu`);
  return { label: peer, module: "../peers/onnxruntime-matmul", options: { provider, threads, cache } };
}
