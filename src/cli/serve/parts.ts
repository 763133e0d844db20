/** What the command takes from the server, and with it the packages that only the server needs. */
export { handlerOf } from "../../server/create-handler.ts";
export { listen } from "../../server/listen.ts";
export { Services } from "../../server/services.ts";
export { createLogger } from "./logger.ts";
