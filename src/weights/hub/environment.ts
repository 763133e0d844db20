import { readFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join, resolve } from "node:path";

/** The environment variables that Python's libraries obey, and `QWEN3_HUB`. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** Where models are fetched from. */
export type HubName = "huggingface" | "modelscope";

/** What the environment says about fetching from one hub. */
export interface HubSettings {
  readonly hub: HubName;
  /** `https://…` without a slash at the end. */
  readonly endpoint: string;
  readonly token?: Token | undefined;
  /** The variable that forbids fetching, if one does. */
  readonly offlineBy?: string | undefined;
  /** `false`: files are put where links would be. */
  readonly links: boolean;
}

/** What a person sets for a hub. */
export const VARIABLES: Readonly<
  Record<HubName, { readonly endpoint: string; readonly token: string; readonly cache: string }>
> = {
  huggingface: { endpoint: "HF_ENDPOINT", token: "HF_TOKEN", cache: "HF_HUB_CACHE" },
  modelscope: { endpoint: "MODELSCOPE_ENDPOINT", token: "MODELSCOPE_API_TOKEN", cache: "MODELSCOPE_CACHE" },
};

export interface Token {
  readonly value: string;
  /** Where it was found, for error messages: a variable or a file. */
  readonly from: string;
}

export async function hubSettings(hub: HubName, env: Environment): Promise<HubSettings> {
  const offlineBy = ["HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"].find((name) => isTrue(env[name]));
  const links = !isTrue(env["HF_HUB_DISABLE_SYMLINKS"]);
  const [endpoint, token] =
    hub === "modelscope"
      ? [
          env[VARIABLES.modelscope.endpoint] || "https://www.modelscope.cn",
          tokenFrom(env, [VARIABLES.modelscope.token]),
        ]
      : [env[VARIABLES.huggingface.endpoint] || "https://huggingface.co", await hubToken(env)];
  return { hub, endpoint: endpoint.replace(/\/+$/, ""), token, offlineBy, links };
}

/** The hub that an id without a prefix means. */
export function defaultHub(env: Environment): HubName {
  return env["QWEN3_HUB"]?.toLowerCase() === "modelscope" ? "modelscope" : "huggingface";
}

/**
 * Hugging Face: `HF_HUB_CACHE`, else `HUGGINGFACE_HUB_CACHE` (its old name), else `HF_HOME`/hub, else
 * `XDG_CACHE_HOME`/huggingface/hub, else ~/.cache/huggingface/hub. ModelScope keeps its own format of cache, so ours is
 * beside it.
 */
export function cacheFolder(hub: HubName, env: Environment): string {
  if (hub === "modelscope") {
    const home = env["MODELSCOPE_CACHE"] || join(env["XDG_CACHE_HOME"] || "~/.cache", "modelscope");
    return resolve(expand(join(home, "qwen3-ts"), env));
  }
  const explicit = env["HF_HUB_CACHE"] || env["HUGGINGFACE_HUB_CACHE"];
  return resolve(explicit ? expand(explicit, env) : join(hubHome(env), "hub"));
}

function hubHome(env: Environment): string {
  return expand(env["HF_HOME"] || join(env["XDG_CACHE_HOME"] || "~/.cache", "huggingface"), env);
}

async function hubToken(env: Environment): Promise<Token | undefined> {
  const fromVariable = tokenFrom(env, ["HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"]);
  if (fromVariable || isTrue(env["HF_HUB_DISABLE_IMPLICIT_TOKEN"])) return fromVariable;
  // `hf auth login` writes it here.
  const path = expand(env["HF_TOKEN_PATH"] || join(hubHome(env), "token"), env);
  const value = clean(await readFile(path, "utf8").catch(() => undefined));
  return value ? { value, from: path } : undefined;
}

function tokenFrom(env: Environment, names: readonly string[]): Token | undefined {
  for (const from of names) {
    const value = clean(env[from]);
    if (value) return { value, from };
  }
  return undefined;
}

/** Copied tokens come with line ends, which no header may hold. */
function clean(token: string | undefined): string | undefined {
  return token?.replaceAll(/[\r\n]/g, "").trim();
}

function isTrue(value: string | undefined): boolean {
  return ["1", "ON", "YES", "TRUE"].includes(value?.toUpperCase() ?? "");
}

/** A leading `~`, `$NAME` and `${NAME}`, which Python's library expands as well. */
function expand(path: string, env: Environment): string {
  return path
    .replace(/^~(?=$|[/\\])/, () => env["HOME"] || homedir())
    .replaceAll(
      /\$(\w+)|\$\{([^}]*)\}/g,
      (whole, bare?: string, braced?: string) => env[bare ?? braced ?? ""] ?? whole,
    );
}
