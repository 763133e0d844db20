import { resolveModel } from "../weights/index.ts";
import type { Context } from "./context.ts";
import type { CommonOptions } from "./options.ts";
import { ProgressBars } from "./progress.ts";

/** The folder of a model, fetched with progress if need be. */
export async function resolveFolder(
  model: string | undefined,
  flags: CommonOptions & { readonly revision?: string },
  context: Context,
): Promise<string> {
  using progress = await ProgressBars.create(context, flags);
  const { revision } = flags;
  const { folder } = await resolveModel(model, { revision, onProgress: progress.onProgress, signal: context.signal });
  return folder;
}
