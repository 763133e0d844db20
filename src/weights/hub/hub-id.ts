import { defaultHub, type Environment, type HubName } from "./environment.ts";

/** @param name as a person writes it, with or without the name of a hub */
export function parseHubId(
  name: string,
  env: Environment,
): { readonly hub: HubName; readonly id: string; readonly isExplicit: boolean } {
  if (name.startsWith("hf:")) return { hub: "huggingface", id: name.slice("hf:".length), isExplicit: true };
  if (name.startsWith("modelscope:"))
    return { hub: "modelscope", id: name.slice("modelscope:".length), isExplicit: true };
  return { hub: defaultHub(env), id: name, isExplicit: false };
}
