import type { DownloadProgress } from "./hub/download-progress.ts";
import type { HubName } from "./hub/environment.ts";

export interface ResolveOptions {
  /** Branch, tag or commit of a hub id. @default "main" */
  readonly revision?: string | undefined;
  /** The hub cache to look in and to fetch into. @default as Python's huggingface_hub, from the environment */
  readonly cacheDir?: string | undefined;
  /** Never fetch. @default false, unless the environment sets `HF_HUB_OFFLINE` */
  readonly localFilesOnly?: boolean | undefined;
  readonly onProgress?: ((progress: DownloadProgress) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Where a model is, and where it came from. */
export interface ResolvedModel {
  readonly folder: string;
  readonly origin: "bundled" | "folder" | HubName;
  /** The bundled model's name, the folder as it was given, or the hub id. */
  readonly name: string;
  /** Of a hub model: what was asked for. */
  readonly revision?: string;
  /** Of a hub model: the commit that this revision is. */
  readonly commit?: string;
}
