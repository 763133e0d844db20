import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, describe, it } from "node:test";
import { availableCores } from "../src/core/threads/cores.ts";

const folder = mkdtempSync(join(tmpdir(), "qwen3-cores-"));
after(() => {
  rmSync(folder, { recursive: true });
});

let systems = 0;

/** A folder with these files, in place of a machine's root. */
function system(files: Readonly<Record<string, string>>): string {
  const root = join(folder, `${systems++}`);
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), `${text}\n`);
  }
  return root;
}

/** Eight CPUs, two of each core: CPU n and n + 4. */
function topology(allowed: string): Record<string, string> {
  const cpus = Array.from({ length: 8 }, (_, cpu) => [
    `sys/devices/system/cpu/cpu${cpu}/topology/thread_siblings_list`,
    `${cpu % 4},${(cpu % 4) + 4}`,
  ]);
  return {
    "proc/self/status": `Name:\tnode\nCpus_allowed:\tff\nCpus_allowed_list:\t${allowed}\nMems_allowed:\t1`,
    ...Object.fromEntries(cpus),
  };
}

describe("available cores", () => {
  it("are the affinity mask's where the system tells nothing else", () => {
    assert.equal(availableCores(system({}), 6), 6);
  });

  it("count hardware threads of one core once", () => {
    assert.equal(availableCores(system(topology("0-7")), 8), 4);
  });

  it("are those of the affinity mask only", () => {
    assert.equal(availableCores(system(topology("0,4")), 2), 1, "both threads of one core");
    assert.equal(availableCores(system(topology("0-1,4-5")), 4), 2);
    assert.equal(availableCores(system(topology("0-3")), 4), 4, "one thread of each");
  });

  it("respect the quota of a control group, version 2, and of those above it", () => {
    const group = { "proc/self/cgroup": "0::/pods/one/node" };
    const at = (path: string, text: string): Record<string, string> => ({ [`sys/fs/cgroup/${path}cpu.max`]: text });
    assert.equal(availableCores(system({ ...group, ...at("pods/one/node/", "max 100000") }), 8), 8);
    assert.equal(availableCores(system({ ...group, ...at("pods/one/node/", "350000 100000") }), 8), 3);
    assert.equal(availableCores(system({ ...group, ...at("pods/", "200000 100000") }), 8), 2);
    assert.equal(availableCores(system({ ...group, ...at("", "50000 100000") }), 8), 1, "the container's own root");
    const both = { ...at("pods/", "200000 100000"), ...at("pods/one/", "600000 100000") };
    assert.equal(availableCores(system({ ...group, ...both, ...topology("0-7") }), 8), 2);
  });

  it("respect that of version 1", () => {
    const group = { "proc/self/cgroup": "5:memory:/x\n4:cpu,cpuacct:/docker/abc\n1:name=systemd:/" };
    const at = (path: string, quota: string): Record<string, string> => ({
      [`sys/fs/cgroup/${path}/cpu.cfs_quota_us`]: quota,
      [`sys/fs/cgroup/${path}/cpu.cfs_period_us`]: "100000",
    });
    assert.equal(availableCores(system({ ...group, ...at("cpu/docker/abc", "-1") }), 8), 8);
    assert.equal(availableCores(system({ ...group, ...at("cpu/docker/abc", "250000") }), 8), 2);
    assert.equal(availableCores(system({ ...group, ...at("cpu,cpuacct", "400000") }), 8), 4);
  });

  it("are at least one and at most the machine's here", () => {
    const cores = availableCores();
    assert.ok(cores >= 1 && cores <= availableParallelism());
  });
});
