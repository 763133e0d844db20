import type { Route } from "../route.ts";
import { BY_MODEL_ROUTES } from "./by-model.ts";
import { DOCUMENT_ROUTES } from "./documents.ts";
import { EMBED_ROUTES } from "./embed.ts";
import { OLLAMA_ROUTES } from "./ollama.ts";
import { OPENAI_ROUTES } from "./openai.ts";
import { pageRoutes } from "./pages.ts";
import { RERANK_ROUTES } from "./rerank.ts";
import { STATE_ROUTES } from "./state.ts";
import { TOKENIZE_ROUTES } from "./tokenize.ts";

/** For programs, in the order of the OpenAPI document. */
const API_ROUTES: readonly Route[] = [
  ...EMBED_ROUTES,
  ...RERANK_ROUTES,
  ...TOKENIZE_ROUTES,
  ...OPENAI_ROUTES,
  ...DOCUMENT_ROUTES,
  ...OLLAMA_ROUTES,
  ...BY_MODEL_ROUTES,
  ...STATE_ROUTES,
];

export const ROUTES: readonly Route[] = [...API_ROUTES, ...pageRoutes(API_ROUTES)];
