/** This runtime, by the same door as any user. */
import { EmbeddingModel } from "../../src/index.ts";
import type { LoadOptions } from "../../src/index.ts";
import type { Driver } from "../encode/driver.ts";

/** Options: `model`, `device`, `dtype`, `adapter`, `threads`, `maxBatchTokens`; all but `model` as in `LoadOptions`. */
export async function open(options: Readonly<Record<string, string>>): Promise<Driver> {
  const { model: source, threads, maxBatchTokens, ...rest } = options;
  const model = await EmbeddingModel.load(source, {
    ...(rest as LoadOptions),
    ...(threads === undefined ? {} : { threads: Number(threads) }),
    ...(maxBatchTokens === undefined ? {} : { maxBatchTokens: Number(maxBatchTokens) }),
  });
  return {
    about: { device: model.device.description, ...model.device.details, dtype: rest["dtype"] ?? "auto" },
    encode: (texts) => model.encode(texts),
    countTokens: async (texts) => texts.map((text) => model.tokenizer?.encode(text).ids.length ?? 0),
    close: () => model.dispose(),
  };
}
