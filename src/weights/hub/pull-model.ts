import { Qwen3Error } from "../../core/errors.ts";
import { bundledModels } from "../bundled.ts";
import { quote } from "../quote.ts";
import type { ResolvedModel, ResolveOptions } from "../resolve-options.ts";
import { checkRevision, isHubId } from "./cache.ts";
import { parseHubId } from "./hub-id.ts";
import { fetchFromHub, hubModel } from "./resolve-hub-model.ts";

/**
 * Brings a model of a hub into the cache as it is on the hub now, whatever version is cached already.
 *
 * @param name `ORG/NAME`, `hf:ORG/NAME` or `modelscope:ORG/NAME`
 * @throws Qwen3Error with what to do about it
 */
export async function pullModel(
  name: string,
  options: Omit<ResolveOptions, "localFilesOnly"> = {},
): Promise<ResolvedModel> {
  if (options.revision !== undefined) checkRevision(options.revision);
  const { hub, id } = parseHubId(name, process.env);
  if (bundledModels().includes(name))
    throw new Qwen3Error("invalid-argument", `'${name}' comes with the package; there is nothing to fetch`);
  if (!isHubId(id))
    throw new Qwen3Error(
      "invalid-argument",
      `${quote(name)} is no hub id; expected one such as 'Qwen/Qwen3-Embedding-0.6B'`,
    );
  const model = await hubModel(hub, id, options);
  const { offlineBy } = model.settings;
  if (offlineBy !== undefined) throw new Qwen3Error("network", `${offlineBy} forbids fetching '${id}'; unset it`);
  return fetchFromHub(model, options);
}
