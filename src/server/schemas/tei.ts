/** The bodies of text-embeddings-inference, with its names and defaults. Fields it does not know are ignored. */
import { z } from "zod";
import { type IdLists, idLists, type Inputs, inputs, type Maybe, maybe, strings } from "./inputs.ts";

interface Truncation {
  readonly truncate?: Maybe<boolean>;
  readonly truncation_direction: "Left" | "Right" | "left" | "right";
}

interface Prompt {
  readonly prompt_name?: Maybe<string>;
}

const truncation = {
  truncate: maybe(z.boolean()).meta({ description: "Cut texts that are too long; as the server is set if null" }),
  truncation_direction: z.enum(["Left", "Right", "left", "right"]).default("Right"),
};
const prompt = {
  prompt_name: maybe(z.string()).meta({
    description: "A prompt of the checkpoint's config_sentence_transformers.json",
  }),
};

export interface EmbedRequest extends EmbedAllRequest {
  readonly normalize: boolean;
  readonly dimensions?: Maybe<number>;
}

export const embedRequest: z.ZodType<EmbedRequest> = z
  .object({
    inputs,
    ...truncation,
    ...prompt,
    normalize: z.boolean().default(true),
    dimensions: maybe(z.int().min(0)).meta({ description: "Keep the first dimensions, before normalising" }),
  })
  .meta({ title: "EmbedRequest" });

export interface EmbedAllRequest extends Truncation, Prompt {
  readonly inputs: Inputs;
}

export const embedAllRequest: z.ZodType<EmbedAllRequest> = z
  .object({ inputs, ...truncation, ...prompt })
  .meta({ title: "EmbedAllRequest" });
export type EmbedSparseRequest = EmbedAllRequest;

export const embedSparseRequest: z.ZodType<EmbedSparseRequest> = z
  .object({ inputs, ...truncation, ...prompt })
  .meta({ title: "EmbedSparseRequest" });

export interface SimilarityRequest {
  readonly inputs: { readonly source_sentence: string; readonly sentences: readonly string[] };
  readonly parameters?: Maybe<Truncation & Prompt>;
}

export const similarityRequest: z.ZodType<SimilarityRequest> = z
  .object({
    inputs: z.object({ source_sentence: z.string(), sentences: strings }),
    parameters: maybe(z.object({ ...truncation, ...prompt })),
  })
  .meta({ title: "SimilarityRequest" });

export interface RerankRequest extends Truncation {
  readonly query: string;
  readonly texts: readonly string[];
  readonly raw_scores: boolean;
  readonly return_text: boolean;
  readonly instruction?: Maybe<string>;
}

export const rerankRequest: z.ZodType<RerankRequest> = z
  .object({
    query: z.string(),
    texts: strings,
    ...truncation,
    raw_scores: z.boolean().default(false),
    return_text: z.boolean().default(false),
    instruction: maybe(z.string()).meta({ description: "What makes a text relevant, in one sentence (not in TEI)" }),
  })
  .meta({ title: "RerankRequest" });

/** A text, a pair, or a list of such lists. */
export type PredictInput = string | readonly string[] | readonly (readonly string[])[];

function isPredictInput(value: unknown): value is PredictInput {
  if (typeof value === "string" || isSequence(value)) return true;
  return Array.isArray(value) && value.length > 0 && value.every(isSequence);
}

function isSequence(value: unknown): boolean {
  return Array.isArray(value) && [1, 2].includes(value.length) && value.every((text) => typeof text === "string");
}

const sequence = { type: "array", items: { type: "string" }, minItems: 1, maxItems: 2 };

export interface PredictRequest extends Truncation {
  readonly inputs: PredictInput;
  readonly raw_scores: boolean;
}

export const predictRequest: z.ZodType<PredictRequest> = z
  .object({
    inputs: z
      .custom<PredictInput>(isPredictInput, {
        error:
          "expected a string, a pair of strings [string, string] or a batch of them [[string], [string, string], ...]",
      })
      .meta({ anyOf: [{ type: "string" }, sequence, { type: "array", items: sequence, minItems: 1 }] }),
    ...truncation,
    raw_scores: z.boolean().default(false),
  })
  .meta({ title: "PredictRequest" });

export interface TokenizeRequest extends Prompt {
  readonly inputs: string | readonly string[];
  readonly add_special_tokens: boolean;
}

export const tokenizeRequest: z.ZodType<TokenizeRequest> = z
  .object({ inputs: z.union([z.string(), strings]), add_special_tokens: z.boolean().default(true), ...prompt })
  .meta({ title: "TokenizeRequest" });

export interface DecodeRequest {
  readonly ids: IdLists;
  readonly skip_special_tokens: boolean;
}

export const decodeRequest: z.ZodType<DecodeRequest> = z
  .object({ ids: idLists, skip_special_tokens: z.boolean().default(true) })
  .meta({ title: "DecodeRequest" });

export interface VertexRequest {
  readonly instances: readonly unknown[];
}

export const vertexRequest: z.ZodType<VertexRequest> = z
  .object({ instances: z.array(z.unknown()) })
  .meta({ title: "VertexRequest" });

const vector = z.array(z.number());
export const embedResponse: z.ZodType = z.array(vector).meta({ title: "EmbedResponse" });
export const embedAllResponse: z.ZodType = z.array(z.array(vector)).meta({ title: "EmbedAllResponse" });
export const embedSparseResponse: z.ZodType = z
  .array(z.array(z.object({ index: z.int(), value: z.number() })))
  .meta({ title: "EmbedSparseResponse" });
export const similarityResponse: z.ZodType = z.array(z.number()).meta({ title: "SimilarityResponse" });
export const rerankResponse: z.ZodType = z
  .array(z.object({ index: z.int(), text: z.string().optional(), score: z.number() }))
  .meta({ title: "RerankResponse" });
const predictions = z.array(z.object({ score: z.number(), label: z.string() }));
export const predictResponse: z.ZodType = z
  .union([predictions, z.array(predictions)])
  .meta({ title: "PredictResponse" });
const token = z.object({
  id: z.int(),
  text: z.string(),
  special: z.boolean(),
  start: z.int().nullable(),
  stop: z.int().nullable(),
});
export const tokenizeResponse: z.ZodType = z.array(z.array(token)).meta({ title: "TokenizeResponse" });
export const decodeResponse: z.ZodType = z.array(z.string()).meta({ title: "DecodeResponse" });
export const vertexResponse: z.ZodType = z
  .object({ predictions: z.array(z.unknown()) })
  .meta({ title: "VertexResponse" });
