import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { cpus, totalmem } from "node:os";

/** What a measurement was taken on; goes into every report. */
export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGiB: number;
  readonly node: string;
  readonly v8: string;
  readonly platform: string;
  /** Short hash, with `+` where files differ from it. */
  readonly commit: string;
}

export function thisMachine(): Machine {
  return {
    cpu: cpus()[0]?.model.trim() ?? "unknown",
    cores: cpus().length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    node: process.version,
    v8: process.versions.v8,
    platform: `${process.platform} ${process.arch}`,
    commit: commit(),
  };
}

function commit(): string {
  const git = (...args: string[]): string => execFileSync("git", args, { encoding: "utf8", stdio: "pipe" }).trim();
  try {
    return git("rev-parse", "--short", "HEAD") + (git("status", "--porcelain", "--untracked-files=no") ? "+" : "");
  } catch {
    return "not a git checkout";
  }
}

/** Bytes this process has resident now. The kernel's own figure, as `process.memoryUsage()` walks all of V8's heap. */
export function residentBytes(): number {
  if (process.platform !== "linux") return process.memoryUsage.rss();
  const pages = Number(readFileSync("/proc/self/statm", "utf8").split(" ")[1]);
  return pages * 4096;
}

/** The most bytes this process ever had resident. */
export function peakResidentBytes(): number {
  return process.resourceUsage().maxRSS * 1024;
}
