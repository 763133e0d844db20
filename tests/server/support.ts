import { after } from "node:test";
import { EmbeddingModel } from "../../src/index.ts";
import {
  createHandler,
  type Embedder,
  type Handler,
  type Models,
  type Scorer,
  type ServerOptions,
} from "../../src/server/index.ts";

/** The bundled embedding model, until the file's tests are done. */
export async function bundledEmbedding(): Promise<EmbeddingModel> {
  const model = await EmbeddingModel.load(undefined, { threads: 1 });
  after(() => model.dispose());
  return model;
}

export interface Answered {
  readonly status: number;
  readonly headers: Headers;
  /** Parsed, if it is JSON. */
  readonly body: unknown;
}

/** Sends requests to a handler, without a socket. */
export class Client {
  readonly #handler: Handler;

  constructor(models: Models, options?: ServerOptions) {
    this.#handler = createHandler(models, options);
  }

  async send(path: string, init: RequestInit = {}): Promise<Answered> {
    const response = await this.#handler(new Request(`http://127.0.0.1${path}`, init));
    const text = await response.text();
    const isJson = response.headers.get("content-type")?.startsWith("application/json") ?? false;
    return { status: response.status, headers: response.headers, body: isJson ? JSON.parse(text) : text };
  }

  get(path: string, headers: Record<string, string> = {}): Promise<Answered> {
    return this.send(path, { headers });
  }

  post(path: string, body: unknown, init: RequestInit = {}): Promise<Answered> {
    const headers = { "content-type": "application/json" };
    return this.send(path, { method: "POST", headers, body: JSON.stringify(body), ...init });
  }
}

/** The model, but for what a test replaces. */
export function modelWith(model: EmbeddingModel, changes: Partial<Embedder>): Embedder {
  const { name, tokenizer, device, config, maxLength, maxBatchTokens, dimensions, pooling, prompts } = model;
  return {
    name,
    tokenizer,
    device,
    config,
    maxLength,
    maxBatchTokens,
    dimensions,
    pooling,
    prompts,
    encodeIds: (sequences, options) => model.encodeIds(sequences, options),
    tokenEmbeddings: (sequences) => model.tokenEmbeddings(sequences),
    ...changes,
  };
}

/** A reranker whose logits are what a function of the pair's number of tokens says. */
export function fakeScorer(model: EmbeddingModel, logit: (tokens: number) => number): Scorer {
  const { tokenizer, device, config, maxBatchTokens } = model;
  return {
    name: "fake-reranker",
    tokenizer,
    device,
    config,
    maxBatchTokens,
    maxLength: 512,
    logits: async (sequences) => sequences.map(({ length }) => logit(length)),
  };
}
