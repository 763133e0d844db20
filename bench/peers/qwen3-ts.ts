/** This runtime, by the same door as any user. */
import type { LoadOptions } from "../../src/index.ts";
import { createBackend, EmbeddingModel } from "../../src/index.ts";
import type { Driver } from "../encode/driver.ts";

type Options = Readonly<Record<string, string>>;

/** Options: `model`, `device`, `dtype`, `adapter`, `threads`, `revectorize`, `maxBatchTokens`; all but `model` as in `LoadOptions`. */
export async function open(options: Options): Promise<Driver> {
  const { model: source, dtype = "auto" } = options;
  const submissions = new Submissions();
  const model = await EmbeddingModel.load(source, await loadOptions(options, submissions));
  return {
    about: { device: model.device.description, ...model.device.details, dtype, weightBytes: model.memory.weights },
    encode(texts) {
      submissions.restart();
      return model.encode(texts);
    },
    ...(options["device"] === "webgpu" ? { submitMs: () => submissions.firstMs } : {}),
    countTokens: async (texts) => texts.map((text) => model.tokenizer?.encode(text).ids.length ?? 0),
    close: () => model.dispose(),
  };
}

async function loadOptions(options: Options, submissions: Submissions): Promise<LoadOptions> {
  const { model: _, device, adapter, threads, revectorize, maxBatchTokens, ...rest } = options;
  const backend =
    device === "webgpu"
      ? await createBackend({ kind: device, ...(adapter === undefined ? {} : { adapter }) })
      : undefined;
  if (backend && "gpuDevice" in backend) submissions.watch(backend.gpuDevice as GPUDevice);
  return {
    ...(backend ? { backend } : { device }),
    ...(threads === undefined ? {} : { threads: Number(threads) }),
    ...(revectorize === undefined ? {} : { revectorize: true }),
    ...(maxBatchTokens === undefined ? {} : { maxBatchTokens: Number(maxBatchTokens) }),
    ...rest,
  } as LoadOptions;
}

/** Notices when the first commands reach a queue. */
class Submissions {
  #start = 0;
  firstMs: number = Number.NaN;

  restart(): void {
    this.#start = performance.now();
    this.firstMs = Number.NaN;
  }

  watch({ queue }: GPUDevice): void {
    const submit = queue.submit.bind(queue);
    queue.submit = (commands) => {
      submit(commands);
      if (Number.isNaN(this.firstMs)) this.firstMs = performance.now() - this.#start;
    };
  }
}
