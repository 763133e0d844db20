/** The bodies of OpenAI's, Cohere's, Jina's, vLLM's and Ollama's clients. Fields that mean nothing here are ignored. */
import { z } from "zod";
import { type Inputs, inputs, type Maybe, maybe, strings } from "./inputs.ts";

const model = maybe(z.string()).meta({ description: "Another name than the served model's is only noted in the log" });
const instruction = maybe(z.string()).meta({ description: "What makes a document relevant, in one sentence" });
const texts = z.union([z.string(), strings]);

export interface OpenAIEmbeddingsRequest {
  readonly input: Inputs;
  readonly model?: Maybe<string>;
  readonly user?: Maybe<string>;
  readonly encoding_format: "float" | "base64";
  readonly dimensions?: Maybe<number>;
}

export const openaiEmbeddingsRequest: z.ZodType<OpenAIEmbeddingsRequest> = z
  .object({
    input: inputs,
    model,
    user: maybe(z.string()),
    encoding_format: z.enum(["float", "base64"]).default("float"),
    dimensions: maybe(z.int().min(0)),
  })
  .meta({ title: "OpenAIEmbeddingsRequest" });

export interface RerankDocumentsRequest {
  readonly model?: Maybe<string>;
  readonly query: string;
  readonly documents: readonly (string | { readonly text: string })[];
  readonly top_n?: Maybe<number>;
  readonly return_documents?: Maybe<boolean>;
  readonly instruction?: Maybe<string>;
}

export const rerankDocumentsRequest: z.ZodType<RerankDocumentsRequest> = z
  .object({
    model,
    query: z.string(),
    documents: z.array(z.union([z.string(), z.object({ text: z.string() })])),
    top_n: maybe(z.int().min(1)),
    return_documents: maybe(z.boolean()),
    instruction,
  })
  .meta({ title: "RerankDocumentsRequest" });

export interface ScoreRequest {
  readonly model?: Maybe<string>;
  readonly text_1: string | readonly string[];
  readonly text_2: string | readonly string[];
  readonly instruction?: Maybe<string>;
}

export const scoreRequest: z.ZodType<ScoreRequest> = z
  .object({ model, text_1: texts, text_2: texts, instruction })
  .meta({ title: "ScoreRequest" });

export interface OllamaEmbedRequest {
  readonly model: string;
  readonly input: string | readonly string[];
  readonly truncate?: Maybe<boolean>;
  readonly dimensions?: Maybe<number>;
}

export const ollamaEmbedRequest: z.ZodType<OllamaEmbedRequest> = z
  .object({ model: z.string(), input: texts, truncate: maybe(z.boolean()), dimensions: maybe(z.int().min(0)) })
  .meta({ title: "OllamaEmbedRequest" });

const usage = z.object({ prompt_tokens: z.int(), total_tokens: z.int() });
const openaiEmbedding = z.object({
  object: z.literal("embedding"),
  embedding: z.union([z.array(z.number()), z.string()]),
  index: z.int(),
});

export const openaiEmbeddingsResponse: z.ZodType = z
  .object({ object: z.literal("list"), data: z.array(openaiEmbedding), model: z.string(), usage })
  .meta({ title: "OpenAIEmbeddingsResponse" });

const openaiModel = z.object({ id: z.string(), object: z.literal("model"), created: z.int(), owned_by: z.string() });
export const modelResponse: z.ZodType = openaiModel.meta({ title: "ModelResponse" });
export const modelsResponse: z.ZodType = z
  .object({ object: z.literal("list"), data: z.array(openaiModel) })
  .meta({ title: "ModelsResponse" });

const rankedDocument = z.object({
  index: z.int(),
  relevance_score: z.number(),
  document: z.object({ text: z.string() }).optional(),
});
export const rerankDocumentsResponse: z.ZodType = z
  .object({ id: z.string(), model: z.string(), results: z.array(rankedDocument), usage })
  .meta({ title: "RerankDocumentsResponse" });

const score = z.object({ index: z.int(), object: z.literal("score"), score: z.number() });
export const scoreResponse: z.ZodType = z
  .object({
    id: z.string(),
    object: z.literal("list"),
    created: z.int(),
    model: z.string(),
    data: z.array(score),
    usage,
  })
  .meta({ title: "ScoreResponse" });

export const ollamaEmbedResponse: z.ZodType = z
  .object({
    model: z.string(),
    embeddings: z.array(z.array(z.number())),
    total_duration: z.int(),
    load_duration: z.int(),
    prompt_eval_count: z.int(),
  })
  .meta({ title: "OllamaEmbedResponse" });
