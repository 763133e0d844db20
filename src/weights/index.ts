export { SafetensorsFile } from "./safetensors-file.ts";
export type { TensorInfo } from "./safetensors-header.ts";
