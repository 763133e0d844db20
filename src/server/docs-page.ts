import type { OpenApiDocument, Operation } from "./openapi.ts";

/** An OpenAPI document as a page to read: every route with its schemas. */
export function docsPage({ info, paths, components }: OpenApiDocument): string {
  const routes = Object.entries(paths).flatMap(([path, operations]) =>
    Object.entries(operations).map(([method, operation]) => routeHtml(method, path, operation)),
  );
  const schemas = Object.entries(components.schemas).map(([name, schema]) => schemaHtml(name, schema));
  return `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>${escape(info.title)} API</title><link rel="stylesheet" href="ui/page.css"></head>
<body>
<header><h1>${escape(info.title)} ${escape(info.version)}</h1>
<nav><a href="ui">try it</a> <a href="api-doc/openapi.json">OpenAPI document</a></nav></header>
<h2>Routes</h2>
${routes.join("\n")}
<h2>Schemas</h2>
${schemas.join("\n")}
</body>
</html>
`;
}

function routeHtml(method: string, path: string, { summary, requestBody, responses }: Operation): string {
  const body = link(requestBody?.content["application/json"]?.schema);
  const answer = link(responses["200"]?.content?.["application/json"]?.schema);
  const arrow = body === "" && answer === "" ? "" : `<br>${body} → ${answer === "" ? "no body" : answer}`;
  return `<h3>${method.toUpperCase()} ${escape(path)}</h3><p>${escape(summary)}${arrow}</p>`;
}

function schemaHtml(name: string, schema: unknown): string {
  return `<h3 id="${escape(name)}">${escape(name)}</h3><pre>${escape(JSON.stringify(schema, null, 2))}</pre>`;
}

/** To the schema, if it has a name. */
function link(schema: unknown): string {
  const reference = typeof schema === "object" && schema !== null && "$ref" in schema ? String(schema.$ref) : "";
  const name = escape(reference.replace("#/components/schemas/", ""));
  return name === "" ? "" : `<a href="#${name}">${name}</a>`;
}

const ENTITIES: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };

function escape(text: string): string {
  return text.replace(/[&<>"]/g, (character) => ENTITIES[character] ?? "");
}
