import { homedir } from "node:os";
import { isAbsolute, join } from "node:path";

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Where this runtime keeps what it could make again: `qwen3-ts` below `XDG_CACHE_HOME` on any platform, else below the
 * platform's own place (`LOCALAPPDATA`, ~/Library/Caches, ~/.cache). A relative `XDG_CACHE_HOME` does not count, as the
 * XDG specification says. The folder need not exist.
 */
export function cacheFolder(
  env: Environment = process.env,
  platform: NodeJS.Platform = process.platform,
  home: string = homedir(),
): string {
  const named = [env["XDG_CACHE_HOME"], platform === "win32" ? env["LOCALAPPDATA"] : undefined];
  const base = named.find((folder) => folder !== undefined && isAbsolute(folder));
  return join(base ?? join(home, platform === "darwin" ? "Library/Caches" : ".cache"), "qwen3-ts");
}
