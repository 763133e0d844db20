import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { cacheFolder } from "../src/core/cache-folder.ts";

describe("the cache folder", () => {
  it("is below XDG_CACHE_HOME, on every platform", () => {
    for (const platform of ["linux", "darwin", "win32"] as const) {
      const env = { XDG_CACHE_HOME: "/caches", LOCALAPPDATA: "/local" };
      assert.equal(cacheFolder(env, platform, "/home/me"), "/caches/qwen3-ts");
    }
  });

  it("is the platform's own without it", () => {
    const env = { LOCALAPPDATA: "/local" };
    assert.equal(cacheFolder(env, "linux", "/home/me"), "/home/me/.cache/qwen3-ts");
    assert.equal(cacheFolder(env, "darwin", "/Users/me"), "/Users/me/Library/Caches/qwen3-ts");
    assert.equal(cacheFolder(env, "win32", "/Users/me"), "/local/qwen3-ts");
  });

  it("does not follow relative or empty variables", () => {
    assert.equal(cacheFolder({ XDG_CACHE_HOME: "" }, "linux", "/home/me"), "/home/me/.cache/qwen3-ts");
    assert.equal(cacheFolder({ XDG_CACHE_HOME: "caches" }, "linux", "/home/me"), "/home/me/.cache/qwen3-ts");
  });
});
