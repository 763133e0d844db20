import { mkdir, readFile, rename, rm, stat, utimes, writeFile } from "node:fs/promises";
import { hostname } from "node:os";
import { dirname } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

const HEARTBEAT_MS = 5000;
const POLL_MS = 200;

/** Without a heartbeat for so long its owner is gone, or another process has its number now. */
const STALE_MS = 60_000;

export interface LockOptions {
  readonly signal?: AbortSignal | undefined;
  /** Asked while another process holds the lock: whether it has done the work meanwhile. */
  readonly isDone: () => boolean;
}

/**
 * Does `work` while no other process that uses this lock does it. A lock is a file with its owner's process number; one
 * whose owner has died is taken over., and nothing is left to do if another process did the work.
 */
export async function withFileLock(path: string, options: LockOptions, work: () => Promise<void>): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  while (!(await tryLock(path))) {
    if (options.isDone()) return;
    if (await isStale(path)) await takeAway(path);
    else await sleep(POLL_MS, undefined, { signal: options.signal });
  }
  const heartbeat = setInterval(() => {
    const now = new Date();
    utimes(path, now, now).catch(() => undefined);
  }, HEARTBEAT_MS);
  try {
    if (!options.isDone()) await work();
  } finally {
    clearInterval(heartbeat);
    await rm(path, { force: true });
  }
}

async function tryLock(path: string): Promise<boolean> {
  try {
    await writeFile(path, JSON.stringify({ pid: process.pid, host: hostname() }), { flag: "wx" });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  }
}

async function isStale(path: string): Promise<boolean> {
  try {
    const { mtimeMs } = await stat(path);
    if (Date.now() - mtimeMs > STALE_MS) return true;
    const owner = JSON.parse(await readFile(path, "utf8")) as { pid?: unknown; host?: unknown };
    return owner.host === hostname() && typeof owner.pid === "number" && !isRunning(owner.pid);
  } catch {
    return false; // released, or being written, at this moment
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== "ESRCH";
  }
}

/** Of several who find the same dead lock, the renaming lets one have it. */
async function takeAway(path: string): Promise<void> {
  const aside = `${path}.${process.pid}.stale`;
  await rename(path, aside).then(
    () => rm(aside, { force: true }),
    () => undefined,
  );
}
