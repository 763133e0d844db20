import type { Call } from "./route.ts";
import type { ServedName } from "./services.ts";

/** A client that asks for another model gets this one, as from TEI; only the log says so. */
export function noteModelName(
  requested: string | null | undefined,
  { id, served }: ServedName,
  { logger }: Call,
): void {
  if (requested === undefined || requested === null || requested === served || requested === id) return;
  logger.warn({ requested, served }, "another model than the served one was asked for");
}
