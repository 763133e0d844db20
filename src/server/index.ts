export { createHandler, type Handler } from "./create-handler.ts";
export type { Logger } from "./log.ts";
export type { Embedder, Models, Scorer } from "./models.ts";
export type { ServerOptions } from "./options.ts";
