import { existsSync, readdirSync } from "node:fs";

/**
 * Whether it is worth asking Dawn for a hardware adapter. Starting Dawn takes a tenth of a second, and where Linux has no
 * GPU it complains on stderr; there a GPU always has a device node.
 */
export function mayHaveGpu(): boolean {
  if (process.platform !== "linux") return true;
  const renderers = existsSync("/dev/dri") ? readdirSync("/dev/dri") : [];
  const others = ["/dev/nvidia0", "/dev/dxg", "/dev/mali0", "/dev/kgsl-3d0"];
  return renderers.some((node) => node.startsWith("renderD")) || others.some((node) => existsSync(node));
}
