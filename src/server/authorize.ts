import { createHash, timingSafeEqual } from "node:crypto";
import { ServerError } from "./errors.ts";

/** @throws ServerError 401 unless the request carries the key; how long it takes says nothing about the key */
export function authorize(request: Request, apiKey: string): void {
  const [, given = ""] = /^Bearer (.*)$/i.exec(request.headers.get("authorization") ?? "") ?? [];
  // Equally long, as timingSafeEqual wants them, whatever was sent.
  if (timingSafeEqual(digest(given), digest(apiKey))) return;
  const headers = { "www-authenticate": "Bearer" };
  throw new ServerError("Validation", "Unauthorized", { status: 401, label: "unauthorized", headers });
}

function digest(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}
