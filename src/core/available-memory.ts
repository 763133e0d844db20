import { freemem, totalmem } from "node:os";

/**
 * Bytes of memory that this process could still get without driving out what others hold. Files that the system keeps in
 * memory count as free; a container's limit counts less what the process itself holds, since what its neighbours there
 * hold cannot be told from cached files.
 */
export function availableMemory(): number {
  const held = process.memoryUsage.rss();
  const container = process.constrainedMemory(); // 0, or beyond any machine, where there is no limit
  const granted = container > 0 && container < totalmem() ? container - held : Infinity;
  return Math.max(0, Math.min(systemMemory(held), granted));
}

/** macOS counts as free only what nothing was ever kept in, so there it is everything but ours. */
function systemMemory(held: number): number {
  return process.platform === "darwin" ? totalmem() - held : freemem();
}
