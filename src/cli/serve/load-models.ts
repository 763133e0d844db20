import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { EmbeddingModel, type LoadOptions, Qwen3Error, RerankerModel } from "../../index.ts";
import { resolveModel } from "../../weights/index.ts";
import { checkRevectorize } from "../options.ts";
import type { ServeFlags } from "./flags.ts";

export interface LoadedModels extends AsyncDisposable {
  readonly embedding?: EmbeddingModel;
  readonly reranker?: RerankerModel;
}

/** The models that the flags name; without any, both bundled ones. */
export async function loadServedModels(flags: ServeFlags, signal: AbortSignal): Promise<LoadedModels> {
  checkRevectorize(flags);
  const { device, threads, revectorize, dtype, revision, lora, huggingfaceHubCache: cacheDir } = flags;
  const options: LoadOptions = { device, threads, revectorize, dtype, cacheDir, signal };
  const own: LoadOptions = { ...options, revision, lora };
  const main = flags.modelId === undefined ? "embedding" : await roleOf(flags.modelId, own);
  if (main === "reranker" && flags.reranker !== undefined) {
    throw new Qwen3Error("invalid-argument", `--model-id ${flags.modelId} is a reranker itself; leave --reranker out`);
  }
  const embedding = main === "embedding" ? await EmbeddingModel.load(flags.modelId, own) : undefined;
  try {
    const reranker = await loadReranker(flags, main, own, options);
    return {
      ...(embedding && { embedding }),
      ...(reranker && { reranker }),
      [Symbol.asyncDispose]: async () => {
        await embedding?.dispose();
        await reranker?.dispose();
      },
    };
  } catch (error) {
    await embedding?.dispose();
    throw error;
  }
}

async function loadReranker(
  { modelId, reranker }: ServeFlags,
  main: Role,
  own: LoadOptions,
  options: LoadOptions,
): Promise<RerankerModel | undefined> {
  if (main === "reranker") return await RerankerModel.load(modelId, own);
  if (reranker === undefined && modelId !== undefined) return undefined;
  return await RerankerModel.load(reranker, options);
}

type Role = "embedding" | "reranker";

/** A checkpoint's config.json does not tell embedding models and rerankers apart; what lies beside it, or its name, does. */
async function roleOf(source: string, { revision, cacheDir }: LoadOptions): Promise<Role> {
  const { folder } = await resolveModel(source, { revision, cacheDir });
  if (existsSync(join(folder, "modules.json"))) return "embedding";
  const config = readJson(join(folder, "config.json")) ?? readJson(join(folder, "adapter_config.json")) ?? {};
  const classifies = JSON.stringify(config["architectures"] ?? []).includes("Classification");
  const names = [source, JSON.stringify(config["base_model_name_or_path"] ?? "")];
  return classifies || names.some((name) => /rerank/i.test(name)) ? "reranker" : "embedding";
}

/** Undefined where there is none, or none that can be read: loading the model then says what is wrong with it. */
function readJson(file: string): Readonly<Record<string, unknown>> | undefined {
  try {
    return JSON.parse(readFileSync(file, "utf8")) as Readonly<Record<string, unknown>>;
  } catch {
    return undefined;
  }
}
