export { resolveModel } from "./resolve-model.ts";
export type { ResolvedModel, ResolveOptions } from "./resolve-options.ts";
export type { DownloadProgress } from "./hub/download-progress.ts";
export { bundledModels, DEFAULT_MODEL, DEFAULT_RERANKER } from "./bundled.ts";
export { Checkpoint } from "./checkpoint.ts";
export { checkTensors } from "./check-tensors.ts";
export { ModelFolder } from "./model-folder.ts";
export { SafetensorsFile } from "./safetensors-file.ts";
export type { TensorInfo } from "./safetensors-header.ts";
