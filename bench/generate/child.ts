/** A process that generates: opens one driver, then does what is asked on stdin. */
import { reply, requests } from "../line-process.ts";
import type { Generated, GenerateDriver, GenerateDriverModule, Opened, Request } from "./protocol.ts";

let driver: GenerateDriver | undefined;
for await (const request of requests<Request>()) {
  if (request.kind === "close") break;
  if (request.kind === "open") {
    driver = await ((await import(request.driver)) as GenerateDriverModule).open(request.options);
    const { about, weightBytes, inHostMemory } = driver;
    reply({ about, weightBytes, inHostMemory } satisfies Opened);
  } else if (driver) reply(await generate(driver, request.prompt, request.newTokens));
  else throw new Error(`'${request.kind}' before 'open'`);
}
await driver?.close();
process.exit(0);

async function generate(runtime: GenerateDriver, prompt: string, newTokens: number): Promise<Generated> {
  const start = performance.now();
  let first = Number.NaN;
  const ids: number[] = [];
  for await (const id of runtime.generate(prompt, newTokens)) {
    if (ids.length === 0) first = performance.now();
    ids.push(id);
    if (ids.length === newTokens) break;
  }
  return { ids, firstMs: first - start, restMs: performance.now() - first };
}
