import type { z } from "zod";
import { badRequest } from "./errors.ts";

/** @throws ServerError 422 that says where the body is not what the schema wants */
export function parseBody<Schema extends z.ZodType>(schema: Schema, body: unknown): z.output<Schema> {
  const parsed = schema.safeParse(body);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const where = issue && issue.path.length > 0 ? `${issue.path.map(String).join(".")}: ` : "";
  const what = issue?.message ?? "unknown";
  throw badRequest(422, `Failed to deserialize the JSON body into the target type: ${where}${what}`);
}

/**
 * Reads a JSON body, which may not be larger than the limit, whatever its headers say.
 *
 * @throws ServerError 413, 415 or 400
 */
export async function readJson(
  request: Request,
  { payloadLimit, anyContentType }: { readonly payloadLimit: number; readonly anyContentType: boolean },
): Promise<unknown> {
  const type = request.headers.get("content-type") ?? "";
  if (!anyContentType && !/^application\/(?:[\w.-]+\+)?json\b/i.test(type)) {
    throw badRequest(415, "Expected request with `Content-Type: application/json`");
  }
  const text = await readText(request, payloadLimit);
  try {
    return JSON.parse(text);
  } catch (error) {
    throw badRequest(400, `Failed to parse the request body as JSON: ${String(error).replace(/^SyntaxError: /, "")}`);
  }
}

async function readText(request: Request, limit: number): Promise<string> {
  const declared = request.headers.get("content-length");
  if (declared !== null && Number(declared) > limit) throw tooLarge(limit);
  // Where a length is declared, no more than that is read from a socket.
  if (declared !== null) return await request.text();
  const decoder = new TextDecoder();
  let text = "";
  let bytes = 0;
  for await (const chunk of request.body ?? []) {
    bytes += chunk.length;
    if (bytes > limit) throw tooLarge(limit);
    text += decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
}

function tooLarge(limit: number): Error {
  return badRequest(413, `Failed to buffer the request body: length limit exceeded (${limit} bytes)`);
}
