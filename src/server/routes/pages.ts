import { readFile } from "node:fs/promises";
import { docsPage } from "../docs-page.ts";
import { openApiDocument } from "../openapi.ts";
import { type Call, get, type Route } from "../route.ts";
import { health } from "./state.ts";

/** Nothing from elsewhere, and nothing inline. */
const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const ASSETS = {
  "page.html": "text/html; charset=utf-8",
  "page.css": "text/css; charset=utf-8",
  "page.js": "text/javascript; charset=utf-8",
} as const;

async function asset(name: keyof typeof ASSETS): Promise<Response> {
  const bytes = await readFile(new URL(import.meta.resolve(`#ui/${name}`)));
  return page(new Uint8Array(bytes), ASSETS[name]);
}

function page(body: string | Uint8Array, type: string): Response {
  return new Response(body, {
    headers: { "content-type": type, "content-security-policy": POLICY, "x-content-type-options": "nosniff" },
  });
}

/** What is for people, and what describes the other routes. */
export function pageRoutes(routes: readonly Route[]): readonly Route[] {
  const html = ASSETS["page.html"];
  const assetRoute = (path: string, name: keyof typeof ASSETS, summary: string): Route =>
    get({ path, family: "tei", open: true, summary, answer: () => asset(name) });
  return [
    get({
      path: "/",
      family: "tei",
      summary: "As /health; to browsers, the page",
      open: true,
      answer: (call) => (wantsHtml(call.request) ? asset("page.html") : health(call)),
    }),
    assetRoute("/ui", "page.html", "A page to try the models on"),
    assetRoute("/ui/page.css", "page.css", "Its style"),
    assetRoute("/ui/page.js", "page.js", "Its program"),
    get({
      path: "/api-doc/openapi.json",
      family: "tei",
      summary: "This API as an OpenAPI document",
      open: true,
      answer: async ({ services }: Call) => Response.json(openApiDocument(routes, services.version)),
    }),
    get({
      path: "/docs",
      family: "tei",
      summary: "The same to read",
      open: true,
      answer: async ({ services }: Call) => page(docsPage(openApiDocument(routes, services.version)), html),
    }),
  ];
}

/** Browsers name it; programs send a star, or nothing. */
function wantsHtml(request: Request): boolean {
  return /\btext\/html\b/i.test(request.headers.get("accept") ?? "");
}
