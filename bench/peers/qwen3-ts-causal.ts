/** This runtime generating. */
import type { LoadOptions } from "../../src/index.ts";
import { CausalModel } from "../../src/index.ts";
import type { GenerateDriver } from "../generate/protocol.ts";

/** Options: `model`, `device`, `dtype`, `adapter`, `threads`; all but `model` as in `LoadOptions`. */
export async function open(options: Readonly<Record<string, string>>): Promise<GenerateDriver> {
  const { model: source = "", threads, ...rest } = options;
  const loadOptions = { ...rest, ...(threads === undefined ? {} : { threads: Number(threads) }) } as LoadOptions;
  const model = await CausalModel.load(source, loadOptions);
  return {
    about: { device: model.device.description, ...model.device.details, dtype: options["dtype"] ?? "auto" },
    weightBytes: model.memory.weights,
    inHostMemory: model.device.kind !== "webgpu" || model.device.details["software"] === true,
    async *generate(prompt, maxNewTokens) {
      for await (const { id } of model.generate(prompt, { maxNewTokens, ignoreEos: true, temperature: 0 })) yield id;
    },
    close: () => model.dispose(),
  };
}
