/** `node serve.js`: the hub of the tests as a process of its own, for tests/fixtures/make/hub_cache_oracle.py. */
import { embeddingRepo } from "./hub-repos.ts";
import { HubServer } from "./hub-server.ts";

const server = await HubServer.start(embeddingRepo(), (request) => {
  process.stdout.write(`${request.method} ${request.host} ${request.path}\n`);
  return false;
});
process.stdout.write(`${server.url}\n`);
