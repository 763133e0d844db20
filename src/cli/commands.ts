import type { Command } from "commander";
import type { Context } from "./context.ts";

/** Gives a command its arguments, options and action. */
export type Define = (command: Command, context: Context) => void;

export interface CommandRow {
  readonly name: string;
  /** One line for `qwen3 --help`. */
  readonly summary: string;
  /** A command's file is read only when the command runs. */
  readonly load: () => Promise<Define>;
}

/** Every command, in the order of `qwen3 --help`. */
export const COMMANDS: readonly CommandRow[] = [
  {
    name: "embed",
    summary: "turn texts into vectors",
    load: async () => (await import("./embed.ts")).defineEmbed,
  },
  {
    name: "search",
    summary: "find passages in files and folders by what they mean and by their words",
    load: async () => (await import("./search.ts")).defineSearch,
  },
  {
    name: "rerank",
    summary: "order documents by how well they answer a query",
    load: async () => (await import("./rerank.ts")).defineRerank,
  },
  {
    name: "generate",
    summary: "answer or continue a text, as a stream",
    load: async () => (await import("./generate.ts")).defineGenerate,
  },
  {
    name: "similarity",
    summary: "compare texts with each other",
    load: async () => (await import("./similarity.ts")).defineSimilarity,
  },
  {
    name: "serve",
    summary: "answer the clients of text-embeddings-inference, OpenAI, Cohere, vLLM and Ollama over HTTP",
    load: async () => (await import("./serve.ts")).defineServe,
  },
  {
    name: "tokenize",
    summary: "show the tokens of texts",
    load: async () => (await import("./tokenize.ts")).defineTokenize,
  },
  {
    name: "inspect",
    summary: "list what is in a checkpoint or a safetensors file",
    load: async () => (await import("./inspect.ts")).defineInspect,
  },
  {
    name: "pull",
    summary: "fetch a model from a hub into the cache, or what of it is new",
    load: async () => (await import("./pull.ts")).definePull,
  },
  {
    name: "models",
    summary: "list the models in the cache, with sizes and revisions",
    load: async () => (await import("./models.ts")).defineModels,
  },
  {
    name: "devices",
    summary: "show what this machine can compute on",
    load: async () => (await import("./devices.ts")).defineDevices,
  },
  {
    name: "verify",
    summary: "check a model on a device: published values, agreement with the reference, invariants",
    load: async () => (await import("./verify.ts")).defineVerify,
  },
  {
    name: "demo",
    summary: "embed the model card's example and print the similarities (also: no command)",
    load: async () => (await import("./demo.ts")).defineDemo,
  },
];
