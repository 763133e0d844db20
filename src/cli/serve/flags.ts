import { type Command, InvalidArgumentError, Option } from "commander";
import { positiveInteger, REVECTORIZE } from "../options.ts";

/** text-embeddings-inference's options under its own names, and some of our own. */
export interface ServeFlags {
  readonly modelId?: string;
  readonly reranker?: string;
  readonly revision?: string;
  readonly lora?: string;
  readonly device: "auto" | "webgpu" | "wasm" | "reference";
  readonly threads?: number;
  readonly revectorize?: true;
  readonly dtype: "auto" | "f32" | "bf16" | "int8";
  readonly pooling?: string;
  readonly servedModelName?: string;
  readonly tokenizationWorkers?: number;
  readonly maxConcurrentRequests?: number;
  readonly maxBatchTokens?: number;
  readonly maxBatchRequests?: number;
  readonly maxClientBatchSize?: number;
  readonly autoTruncate: boolean;
  readonly defaultPrompt?: string;
  readonly defaultPromptName?: string;
  readonly payloadLimit?: number;
  readonly apiKey?: string;
  readonly corsAllowOrigin?: readonly string[];
  readonly hostname: string;
  readonly port: number;
  readonly prometheusPort?: number;
  readonly huggingfaceHubCache?: string;
  readonly hfToken?: string;
  readonly jsonOutput?: boolean;
  readonly otlpEndpoint?: string;
  readonly otlpServiceName: string;
  readonly gracePeriod: number;
  readonly quiet?: true;
  readonly verbose?: true;
}

interface Flag {
  readonly flags: string;
  readonly about: string;
  readonly parse?: (text: string, previous: unknown) => unknown;
  readonly byDefault?: unknown;
  /** Not read from the environment: no name of TEI's. */
  readonly ours?: true;
}

const FLAGS: readonly Flag[] = [
  { flags: "-m, --model-id <model>", about: "checkpoint folder or hub id (default: the bundled demonstration models)" },
  { flags: "--reranker <model>", about: "a reranker to serve besides", ours: true },
  { flags: "--revision <revision>", about: "branch, tag or commit of a hub id" },
  { flags: "--lora <adapter>", about: "LoRA adapter to merge into --model-id: folder or hub id", ours: true },
  {
    flags: "--device <device>",
    about: "auto, webgpu, wasm or reference",
    byDefault: "auto",
    parse: device,
    ours: true,
  },
  { flags: "--threads <n>", about: "threads of the CPU backend", parse: positiveInteger, ours: true },
  { flags: "--revectorize", about: REVECTORIZE, ours: true },
  {
    flags: "--dtype <dtype>",
    about: "how weights are kept: auto, float32, bfloat16, int8",
    byDefault: "auto",
    parse: dtype,
  },
  { flags: "--pooling <pooling>", about: "checked against the checkpoint's own", parse: pooling },
  { flags: "--served-model-name <name>", about: "the model's name for OpenAI's clients (default: --model-id)" },
  {
    flags: "--tokenization-workers <n>",
    about: "threads that tokenise long texts (default: 1)",
    parse: positiveInteger,
  },
  { flags: "--max-concurrent-requests <n>", about: "texts under way at once (default: 512)", parse: positiveInteger },
  {
    flags: "--max-batch-tokens <n>",
    about: "most tokens of a text and of a batch (default: 16384, and by device)",
    parse: positiveInteger,
  },
  { flags: "--max-batch-requests <n>", about: "most texts of a batch (default: no limit)", parse: positiveInteger },
  { flags: "--max-client-batch-size <n>", about: "most texts of a request (default: 32)", parse: positiveInteger },
  { flags: "--auto-truncate [bool]", about: "cut texts that are too long", byDefault: true, parse: boolean },
  { flags: "--default-prompt-name <name>", about: "prompt for texts without one, by its name in the checkpoint" },
  { flags: "--default-prompt <text>", about: "the same, word for word" },
  { flags: "--payload-limit <bytes>", about: "most bytes of a request (default: 2000000)", parse: positiveInteger },
  { flags: "--api-key <key>", about: "to be sent by clients as Authorization: Bearer KEY" },
  {
    flags: "--cors-allow-origin <origin...>",
    about: "origins whose pages may use the server (default: none)",
    parse: list,
  },
  { flags: "--hostname <address>", about: "address to listen on", byDefault: "127.0.0.1", ours: true },
  { flags: "-p, --port <n>", about: "port to listen on", byDefault: 3000, parse: port },
  { flags: "--prometheus-port <n>", about: "a second port, for /metrics alone", parse: port },
  { flags: "--huggingface-hub-cache <folder>", about: "where downloaded models are" },
  { flags: "--hf-token <token>", about: "token for models that are not public" },
  { flags: "--hf-api-token <token>", about: "older name of --hf-token" },
  { flags: "--json-output", about: "log as JSON" },
  { flags: "--otlp-endpoint <url>", about: "send traces to this OpenTelemetry collector, by gRPC" },
  {
    flags: "--otlp-service-name <name>",
    about: "the service's name in traces",
    byDefault: "text-embeddings-inference.server",
  },
  {
    flags: "--grace-period <seconds>",
    about: "how long requests under way may take after SIGTERM",
    byDefault: 30,
    parse: positiveInteger,
    ours: true,
  },
];

/** TEI's options that have no meaning here, and why. */
const REFUSED: readonly { readonly flags: string; readonly why: string }[] = [
  { flags: "--uds-path <path>", why: "there is no backend process to talk to" },
  { flags: "--dense-path <path>", why: "Dense modules are those of the checkpoint's modules.json" },
  { flags: "--disable-spans", why: "log lines carry no spans" },
];

export function addServeOptions(command: Command): void {
  for (const { flags, about, parse, byDefault, ours } of FLAGS) {
    const option = new Option(flags, about);
    if (ours === undefined) option.env(environmentName(option));
    if (byDefault !== undefined) option.default(byDefault);
    if (parse) option.argParser(parse);
    command.addOption(option);
  }
  // qwen3's own name for what TEI calls --model-id.
  command.addOption(new Option("--model <model>", "the same as --model-id").hideHelp());
  for (const { flags, why } of REFUSED) {
    const option = new Option(flags).hideHelp();
    option.argParser(() => {
      throw new InvalidArgumentError(`It has no meaning here: ${why}.`);
    });
    command.addOption(option);
  }
}

/** As clap makes it: `--max-batch-tokens` is MAX_BATCH_TOKENS. */
function environmentName(option: Option): string {
  return option.name().replaceAll("-", "_").toUpperCase();
}

const DEVICES = ["auto", "webgpu", "wasm", "reference"];

function device(text: string): string {
  if (DEVICES.includes(text)) return text;
  throw new InvalidArgumentError(`Expected one of ${DEVICES.join(", ")}.`);
}

/** TEI's names and ours. Activations are float32 whatever the weights are, so that float16 means nothing but "as stored". */
const DTYPES: Readonly<Record<string, ServeFlags["dtype"]>> = {
  auto: "auto",
  float16: "auto",
  float32: "f32",
  f32: "f32",
  bfloat16: "bf16",
  bf16: "bf16",
  int8: "int8",
};

function dtype(text: string): string {
  const kept = Object.hasOwn(DTYPES, text) ? DTYPES[text] : undefined;
  if (kept !== undefined) return kept;
  throw new InvalidArgumentError(`Expected one of ${Object.keys(DTYPES).join(", ")}.`);
}

function pooling(text: string): string {
  if (text === "last-token" || text === "mean") return text;
  throw new InvalidArgumentError("Qwen3 checkpoints pool the last token (last-token), or have mean in 1_Pooling.");
}

function boolean(text: string): boolean {
  if (text === "true" || text === "false") return text === "true";
  throw new InvalidArgumentError("Expected true or false.");
}

/** Repeated, or separated by spaces. */
function list(text: string, previous: unknown): string[] {
  return [...(Array.isArray(previous) ? (previous as string[]) : []), text];
}

function port(text: string): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && value <= 65_535) return value;
  throw new InvalidArgumentError("Expected a port from 0 to 65535.");
}
