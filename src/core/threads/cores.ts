import { readdirSync, readFileSync } from "node:fs";
import { availableParallelism } from "node:os";

/**
 * Physical cores this process may use: the CPUs of its affinity mask, two hardware threads of one core counted once, at
 * most what its cgroup grants. Hyper-threads share the multipliers that our kernels saturate, so more threads than
 * cores only wait for each other.
 */
export function availableCores(): number {
  const logical = availableParallelism();
  return Math.max(1, Math.min(logical, physicalCores() ?? logical, cgroupCpus() ?? logical));
}

/** Distinct sets of hardware threads, from sysfs; undefined where there is none. */
function physicalCores(): number | undefined {
  const folder = "/sys/devices/system/cpu";
  const cpus = listFolder(folder).filter((name) => /^cpu\d+$/.test(name));
  const siblings = cpus.map((cpu) => readText(`${folder}/${cpu}/topology/thread_siblings_list`));
  const cores = new Set(siblings.filter((list) => list !== undefined));
  return cores.size > 0 ? cores.size : undefined;
}

/** Whole CPUs granted by the cgroup's quota, version 2 or 1; undefined without a quota. */
function cgroupCpus(): number | undefined {
  const [quota, period] = (
    readText("/sys/fs/cgroup/cpu.max") ??
    `${readText("/sys/fs/cgroup/cpu/cpu.cfs_quota_us") ?? ""} ${readText("/sys/fs/cgroup/cpu/cpu.cfs_period_us") ?? ""}`
  )
    .split(" ")
    .map(Number);
  if (!quota || !period || !(quota > 0) || !(period > 0)) return undefined;
  return Math.max(1, Math.floor(quota / period));
}

function listFolder(path: string): string[] {
  try {
    return readdirSync(path);
  } catch {
    return [];
  }
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8").trim();
  } catch {
    return undefined;
  }
}
