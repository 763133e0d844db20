import { z } from "zod";
import type { Route } from "./route.ts";

type Json = Readonly<Record<string, unknown>>;

export interface Operation {
  readonly summary: string;
  readonly tags: readonly string[];
  readonly security?: unknown;
  readonly parameters?: unknown;
  readonly requestBody?: { readonly required: boolean; readonly content: Content };
  readonly responses: Readonly<Record<string, { readonly description: string; readonly content?: Content }>>;
}

type Content = Readonly<Record<string, { readonly schema: Json }>>;

/** What this server writes of OpenAPI 3.1. */
export interface OpenApiDocument {
  readonly openapi: string;
  readonly info: { readonly title: string; readonly version: string; readonly license: Json };
  /** Operations by path and method. */
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, Json>>; readonly securitySchemes: Json };
}

/** The OpenAPI document of some routes, from the schemas that check their bodies. */
export function openApiDocument(routes: readonly Route[], version: string): OpenApiDocument {
  const paths: Record<string, Record<string, Operation>> = {};
  for (const route of routes) {
    const path = route.path.replaceAll(/:(\w+)\{[^}]*\}/g, "{$1}");
    paths[path] = { ...paths[path], [route.method.toLowerCase()]: operation(route, path) };
  }
  return {
    openapi: "3.1.0",
    info: { title: "qwen3-ts", version, license: { name: "Apache-2.0", identifier: "Apache-2.0" } },
    paths,
    components: {
      schemas: namedSchemas(routes),
      securitySchemes: { key: { type: "http", scheme: "bearer", description: "Only if the server has an --api-key" } },
    },
  };
}

function operation({ summary, body, response, family, open }: Route, path: string): Operation {
  const names = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
  return {
    summary,
    tags: [family],
    ...(open !== true && { security: [{}, { key: [] }] }),
    ...(names.length > 0 && {
      parameters: names.map((name) => ({ name, in: "path", required: true, schema: { type: "string" } })),
    }),
    ...(body && {
      requestBody: { required: true, content: { "application/json": { schema: schemaOf(body, "input") } } },
    }),
    responses: {
      200: {
        description: "Done",
        ...(response && { content: { "application/json": { schema: schemaOf(response, "output") } } }),
      },
      default: { description: "Failed", content: { "application/json": { schema: ERROR_SCHEMAS[family] } } },
    },
  };
}

const text = { type: "string" };
const ERROR_SCHEMAS: Readonly<Record<Route["family"], Json>> = {
  tei: { type: "object", properties: { error: text, error_type: text } },
  openai: {
    type: "object",
    properties: { message: text, code: { type: "integer" }, type: text, error: { type: "object" } },
  },
  cohere: { type: "object", properties: { message: text } },
  ollama: { type: "object", properties: { error: text } },
};

/** A reference, if the schema has a name. */
function schemaOf(schema: z.ZodType, io: "input" | "output"): Json {
  const { title } = schema.meta() ?? {};
  return title === undefined ? jsonSchema(schema, io) : { $ref: `#/components/schemas/${title}` };
}

function namedSchemas(routes: readonly Route[]): Record<string, Json> {
  const named: Record<string, Json> = {};
  for (const { body, response } of routes) {
    for (const [schema, io] of [
      [body, "input"],
      [response, "output"],
    ] as const) {
      const title = schema?.meta()?.title;
      if (schema && title !== undefined) named[title] = jsonSchema(schema, io);
    }
  }
  return named;
}

function jsonSchema(schema: z.ZodType, io: "input" | "output"): Json {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, { io, unrepresentable: "any", target: "draft-2020-12" });
  return rest;
}
