/** The library called directly, in a process of its own: encodes all texts again and again for as long as it is asked to. */
import { EmbeddingModel, type LoadOptions } from "../../src/index.ts";
import { reply, requests } from "../line-process.ts";

/** The first request opens the model, the others measure; one without seconds is the last. */
interface Request {
  readonly model?: string;
  readonly options?: LoadOptions;
  readonly texts?: readonly string[];
  readonly seconds?: number;
}

export interface Measured {
  readonly textsPerSecond: number;
  readonly device: string;
}

let model: EmbeddingModel | undefined;
let texts: readonly string[] = [];
for await (const request of requests<Request>()) {
  if (!model) {
    model = await EmbeddingModel.load(request.model, request.options);
    texts = request.texts ?? [];
    reply({});
  } else if (request.seconds !== undefined) reply(await measure(model, request.seconds));
  else break;
}
await model?.dispose();
process.exit();

async function measure(encoder: EmbeddingModel, seconds: number): Promise<Measured> {
  const start = performance.now();
  let count = 0;
  do {
    await encoder.encode(texts);
    count += texts.length;
  } while (performance.now() - start < 1000 * seconds);
  return { textsPerSecond: (1000 * count) / (performance.now() - start), device: encoder.device.description };
}
