import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import type { GpuDevice } from "../../core/gpu/gpu-device.ts";
import type { MatmulTile } from "./matmul-tiles.ts";
import { readShader } from "./shader-source.ts";
import type { TuningKey } from "./tuning-store.ts";

/** @param kernels WGSL that takes the place of built-in files, by name */
export async function tuningKey(
  device: GpuDevice,
  tiles: readonly MatmulTile[],
  kernels: Readonly<Record<string, string>>,
): Promise<TuningKey> {
  const { name, vendor, architecture, driver } = device.adapter;
  const dawn = await dawnVersion();
  return { adapter: name, vendor, architecture, driver, dawn, kernels: await hashKernels(tiles, kernels) };
}

async function hashKernels(tiles: readonly MatmulTile[], sources: Readonly<Record<string, string>>): Promise<string> {
  const hash = createHash("sha256");
  for (const { name, kernel, constants } of tiles) {
    hash.update(JSON.stringify([name, kernel.name, constants]));
    hash.update(sources[kernel.name] ?? (await readShader(kernel.name)));
  }
  return hash.digest("hex").slice(0, 16);
}

/** Empty where the package does not say. */
async function dawnVersion(): Promise<string> {
  try {
    const manifest = new URL("package.json", import.meta.resolve("webgpu"));
    const { version } = JSON.parse(await readFile(manifest, "utf8")) as { version?: unknown };
    return typeof version === "string" ? version : "";
  } catch {
    return "";
  }
}
