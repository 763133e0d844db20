import { after } from "node:test";
import { EmbeddingModel, RerankerModel } from "../../src/index.ts";
import { createHandler, type Models, type ServerOptions } from "../../src/server/index.ts";
import { listen, type Listening, type ListenOptions } from "../../src/server/listen.ts";

/** Both bundled models, until the file's tests are done. */
export async function bundledModels(): Promise<{
  readonly embedding: EmbeddingModel;
  readonly reranker: RerankerModel;
}> {
  const embedding = await EmbeddingModel.load(undefined, { threads: 1 });
  const reranker = await RerankerModel.load(undefined, { threads: 1 });
  after(async () => {
    await embedding.dispose();
    await reranker.dispose();
  });
  return { embedding, reranker };
}

/** A server on a free loopback port, until the file's tests are done. */
export async function startServer(
  models: Models,
  options: ServerOptions = {},
  listening: Partial<ListenOptions> = {},
): Promise<Listening & { readonly url: string }> {
  const server = await listen(createHandler(models, options), { hostname: "127.0.0.1", port: 0, ...listening });
  after(() => server.close(0));
  return { ...server, url: `http://127.0.0.1:${server.port}` };
}
