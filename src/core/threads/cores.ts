import { readFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { dirname, join } from "node:path";

/**
 * Physical cores this process may use: the CPUs of its affinity mask, two hardware threads of one core counted once, at
 * most what its control groups grant. Hardware threads share the multipliers that our kernels saturate, so more threads
 * than cores only wait for each other.
 *
 * @param root where /sys and /proc are
 * @param logical CPUs of the affinity mask
 */
export function availableCores(root: string = "/", logical: number = availableParallelism()): number {
  return Math.max(1, Math.min(logical, physicalCores(root) ?? logical, grantedCpus(root) ?? logical));
}

/** Distinct sets of hardware threads among the allowed CPUs; undefined where the system does not tell. */
function physicalCores(root: string): number | undefined {
  const allowed = /^Cpus_allowed_list:\s*(\S+)/m.exec(readText(join(root, "proc/self/status")) ?? "")?.[1];
  if (allowed === undefined) return undefined;
  const siblings = parseList(allowed).map((cpu) =>
    readText(join(root, `sys/devices/system/cpu/cpu${cpu}/topology/thread_siblings_list`)),
  );
  const cores = new Set(siblings.filter((list) => list !== undefined));
  return cores.size > 0 ? cores.size : undefined;
}

/** Whole CPUs that the quota of this process' control group grants, or that of one above it; undefined without a quota. */
function grantedCpus(root: string): number | undefined {
  const groups = readText(join(root, "proc/self/cgroup")) ?? "";
  const quotas = groups.split("\n").flatMap((line) => {
    const [, controllers = "", path = "/"] = line.split(":", 3);
    if (controllers === "") return quotasAbove(join(root, "sys/fs/cgroup"), path, quotaV2);
    if (!controllers.split(",").includes("cpu")) return [];
    return ["cpu", "cpu,cpuacct"].flatMap((name) => quotasAbove(join(root, "sys/fs/cgroup", name), path, quotaV1));
  });
  return quotas.length === 0 ? undefined : Math.max(1, Math.floor(Math.min(...quotas)));
}

/** Of the group and all that it is in. In a container, the path may be that of the host, and only the top is there. */
function quotasAbove(mount: string, path: string, quota: (folder: string) => number | undefined): number[] {
  const folders = [mount];
  for (let group = path; group !== "/" && group !== "."; group = dirname(group)) folders.push(join(mount, group));
  return folders.flatMap((folder) => quota(folder) ?? []);
}

function quotaV2(folder: string): number | undefined {
  return ratio((readText(join(folder, "cpu.max")) ?? "").split(" "));
}

function quotaV1(folder: string): number | undefined {
  return ratio([readText(join(folder, "cpu.cfs_quota_us")), readText(join(folder, "cpu.cfs_period_us"))]);
}

/** "max" and −1 are no quota. */
function ratio([quota, period]: readonly (string | undefined)[]): number | undefined {
  const cpus = Number(quota) / Number(period);
  return cpus > 0 && Number.isFinite(cpus) ? cpus : undefined;
}

/** "0-3,8" as numbers. */
function parseList(list: string): number[] {
  return list.split(",").flatMap((range) => {
    const [first = 0, last = first] = range.split("-").map(Number);
    return Array.from({ length: last - first + 1 }, (_, i) => first + i);
  });
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8").trim();
  } catch {
    return undefined;
  }
}
