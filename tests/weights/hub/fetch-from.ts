import { repoFolder, type Snapshot } from "../../../src/weights/hub/cache.ts";
import type { HubSettings } from "../../../src/weights/hub/environment.ts";
import { fetchModel, type FetchRequest } from "../../../src/weights/hub/fetch-model.ts";
import type { Patience } from "../../../src/weights/hub/hub-fetch.ts";
import { ID } from "./hub-repos.ts";

/** Short enough for tests that wait for it, long enough for a busy machine. */
const HASTE: Patience = { answerMs: 5000, stallMs: 5000, tries: 3, retryMs: 1 };

type Options = Partial<Omit<FetchRequest, "settings" | "patience"> & HubSettings & Patience>;

/** Fetches the tests' model from a server into a cache, without a look at the environment. */
export async function fetchFrom(
  { url }: { readonly url: string },
  cache: string,
  options: Options = {},
): Promise<Snapshot> {
  const { hub = "huggingface", token, links = true, ...rest } = options;
  return fetchModel({
    id: ID,
    revision: "main",
    repo: repoFolder(cache, hub, ID),
    settings: { hub, endpoint: url, token, links },
    patience: { ...HASTE, ...rest },
    ...rest,
  });
}
