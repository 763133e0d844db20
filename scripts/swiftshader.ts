/**
 * A Vulkan driver for machines that have none: SwiftShader runs shaders on the CPU, and the devDependency
 * `@sparticuz/chromium` carries it together with a Vulkan loader.
 */
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { brotliDecompressSync } from "node:zlib";

const FILES = ["libvulkan.so.1", "libvk_swiftshader.so", "vk_swiftshader_icd.json"];

/**
 * Variables that make a new process find SwiftShader; the loader reads them only when it starts.
 *
 * @throws where the package has no build for this platform
 */
export function swiftShaderEnvironment(): Record<string, string> {
  if (process.platform !== "linux" || process.arch !== "x64") {
    throw new Error(`no SwiftShader for ${process.platform}-${process.arch}; the tests need a WebGPU adapter here`);
  }
  const folder = unpack();
  const inherited = process.env["LD_LIBRARY_PATH"];
  return {
    LD_LIBRARY_PATH: inherited === undefined ? folder : `${folder}:${inherited}`,
    // The older and the newer name of the same variable; loaders differ in which they prefer.
    VK_ICD_FILENAMES: join(folder, "vk_swiftshader_icd.json"),
    VK_DRIVER_FILES: join(folder, "vk_swiftshader_icd.json"),
  };
}

/** Unpacks once into node_modules/.cache. Test runs may do so at the same time: a rename makes it appear whole. */
function unpack(): string {
  const require = createRequire(import.meta.url);
  const archive = join(dirname(require.resolve("@sparticuz/chromium")), "../../bin/swiftshader.tar.br");
  const packed = readFileSync(archive);
  const cache = join(archive, "../../../../.cache");
  const folder = join(cache, `swiftshader-${createHash("sha256").update(packed).digest("hex").slice(0, 16)}`);
  if (FILES.every((file) => existsSync(join(folder, file)))) return folder;

  mkdirSync(cache, { recursive: true });
  const partial = mkdtempSync(join(cache, "swiftshader-"));
  const tar = spawnSync("tar", ["-x", "-C", partial, ...FILES], { input: brotliDecompressSync(packed) });
  if (tar.status !== 0)
    throw new Error(`${archive} could not be unpacked: ${tar.error?.message ?? String(tar.stderr)}`);
  try {
    renameSync(partial, folder);
  } catch {
    rmSync(partial, { recursive: true }); // another run was faster
  }
  return folder;
}
