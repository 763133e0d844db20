import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { ContenderSpec } from "./contender.ts";
import { nodeChild } from "./contender.ts";

/** What the command line says about everybody. */
export interface Settings {
  readonly model: string;
  /** Folder in transformers.js' layout, made from the same checkpoint. */
  readonly onnx?: string | undefined;
  /** Path of the GGUF files up to `-bf16.gguf`, `-q8_0.gguf`. */
  readonly gguf?: string | undefined;
  /** Executables of Node to run under. Peers run under the first. */
  readonly nodes: readonly string[];
  readonly python: string;
  readonly threads: string;
  readonly adapter?: string | undefined;
  readonly cache: string;
}

/**
 * A contender as it is written on the command line: `NAME/PART/PART@BATCH+NODE-FLAG`. For ours the name is the device and the part
 * the weights' dtype, the other `revectorize` (`wasm/int8/revectorize`); for peers see PEERS.
 */
interface Written {
  readonly text: string;
  readonly name: string;
  readonly parts: readonly string[];
  readonly batch?: string | undefined;
  readonly flags: readonly string[];
}

function parse(text: string): Written {
  const [what = "", ...flags] = text.split("+");
  const [path = "", batch] = what.split("@");
  const [name = "", ...parts] = path.split("/");
  return { text, name, parts, batch, flags };
}

/** Our own runtime on the devices asked for, under every Node executable. */
export function ownContenders(devices: readonly string[], settings: Settings): ContenderSpec[] {
  return devices.flatMap((text) => {
    const { name, parts, batch, flags } = parse(text);
    const [dtype, revectorize] = parts;
    return settings.nodes.map((node) => ({
      label: settings.nodes.length > 1 ? `ours ${text}, Node ${versionOfNode(node)}` : `ours ${text}`,
      driver: driverUrl("qwen3-ts"),
      command: nodeChild(node, ...flags),
      options: {
        model: settings.model,
        device: name,
        ...(name === "webgpu" ? {} : { threads: settings.threads }),
        ...(dtype === undefined ? {} : { dtype }),
        ...(revectorize === undefined ? {} : { revectorize }),
        ...(batch === undefined ? {} : { maxBatchTokens: batch }),
        ...(settings.adapter === undefined ? {} : { adapter: settings.adapter }),
      },
    }));
  });
}

function versionOfNode(executable: string): string {
  return execFileSync(executable, ["--version"], { encoding: "utf8" }).trim().replace(/^v/, "");
}

type PeerSpec = (written: Written, settings: Settings) => ContenderSpec;

/** The other runtimes, as `--peers` names them, e.g. `transformers.js/q8@1`, `llama.cpp/q8_0/vulkan`. */
const PEERS: Readonly<Record<string, PeerSpec>> = {
  "transformers.js": (written, settings) => {
    const [dtype = "fp32", device = "cpu"] = written.parts;
    return nodePeer("transformers-js", written, settings, {
      onnx: required(settings.onnx, "--onnx", written),
      dtype,
      device,
      batch: written.batch ?? "32",
    });
  },
  "onnxruntime-web": (written, settings) =>
    nodePeer("onnxruntime-web", written, settings, {
      onnx: required(settings.onnx, "--onnx", written),
      dtype: written.parts[0] ?? "fp32",
    }),
  "llama.cpp": (written, settings) => {
    const [type = "bf16", gpu = "false"] = written.parts;
    const gguf = `${required(settings.gguf, "--gguf", written)}-${type}.gguf`;
    const spec = nodePeer("node-llama-cpp", written, settings, { gguf, gpu });
    // without this, node-llama-cpp leaves a software adapter aside and computes on the CPU
    return gpu === "vulkan" ? { ...spec, env: { GGML_VK_VISIBLE_DEVICES: "0" } } : spec;
  },
  "sentence-transformers": (written, settings) => ({
    label: written.text,
    driver: "",
    command: [settings.python, pythonDriver()],
    env: { HF_HUB_OFFLINE: "1", TOKENIZERS_PARALLELISM: "false", OMP_NUM_THREADS: settings.threads },
    options: {
      model: settings.model,
      dtype: written.parts[0] ?? "float32",
      threads: settings.threads,
      batch: written.batch ?? "32",
    },
  }),
};

export function peerContenders(peers: readonly string[], settings: Settings): ContenderSpec[] {
  return peers.map((text) => {
    const written = parse(text);
    const peer = PEERS[written.name];
    if (!peer) throw new Error(`peer '${text}': expected ${Object.keys(PEERS).join(", ")}`);
    return peer(written, settings);
  });
}

function nodePeer(
  driver: string,
  written: Written,
  settings: Settings,
  options: Readonly<Record<string, string>>,
): ContenderSpec {
  return {
    label: written.text,
    driver: driverUrl(driver),
    command: nodeChild(settings.nodes[0] ?? process.execPath, ...written.flags),
    options: { ...options, threads: settings.threads, cache: settings.cache },
  };
}

function driverUrl(name: string): string {
  return new URL(`../peers/${name}.js`, import.meta.url).href;
}

/** Python files are not compiled: the one in the source tree, seen from build/bench/encode. */
function pythonDriver(): string {
  const file = fileURLToPath(new URL("../../../bench/peers/sentence_transformers_driver.py", import.meta.url));
  if (!existsSync(file)) throw new Error(`${file} is missing; the bench runs in a checkout of the repository`);
  return file;
}

function required(value: string | undefined, option: string, { text }: Written): string {
  if (value === undefined) throw new Error(`${text} needs ${option}; docs/benchmarks.md says how to make its files`);
  return value;
}
