import { availableParallelism, cpus, totalmem } from "node:os";
import type { Command } from "commander";
import type { BackendKind } from "../kernels/backend.ts";
import type { Context } from "./context.ts";
import { type Probe, probe, type ProbedAdapter } from "./devices/probe.ts";
import { addCommonOptions, type CommonOptions } from "./options.ts";
import { formatBytes, printable, styleFor } from "./terminal.ts";

/** Fastest first: the order in which `auto` looks. */
const KINDS: readonly BackendKind[] = ["webgpu", "wasm", "reference"];

export function defineDevices(command: Command, context: Context): void {
  command.action((flags: CommonOptions) => devices(flags, context));
  addCommonOptions(command);
}

async function devices(flags: CommonOptions, context: Context): Promise<void> {
  const [probes, { kind: auto }] = await Promise.all([Promise.all(KINDS.map(probe)), probe("auto")]);
  if (flags.json === true) {
    context.stdout.write(`${JSON.stringify({ auto, devices: probes })}\n`);
    return;
  }
  const { bold, dim } = styleFor(context);
  const machine = `${cpus()[0]?.model ?? "CPU"}, ${availableParallelism()} threads, ${formatBytes(totalmem())}`;
  const sections = probes.map((found) => {
    const mark = found.kind === auto ? "  ← --device auto" : "";
    const title = found.device?.description ?? `not available: ${found.reason ?? "no answer"}`;
    const head = `${bold(found.kind.padEnd(9))}  ${printable(title)}${bold(mark)}`;
    return [head, ...details(found).map((line) => dim(`           ${printable(line)}`))].join("\n");
  });
  context.stdout.write(
    `${printable(machine)}; Node ${process.version}\n\n${sections.join("\n")}\n\n${explain(auto, probes)}\n`,
  );
}

function details({ device, adapters = [] }: Probe): string[] {
  const facts = Object.entries(device?.details ?? {}).map(([name, value]) => `${name}: ${String(value)}`);
  return [...facts, ...adapters.flatMap(describeAdapter)];
}

function describeAdapter({ name, driver, software, ...adapter }: ProbedAdapter): string[] {
  const { features, subgroupSizes, limits, timedProducts } = adapter;
  const lanes = [...new Set(subgroupSizes)].join(" to ");
  const listed = features.map((feature) => (feature === "subgroups" ? `subgroups of ${lanes}` : feature));
  return [
    `adapter: ${name}${driver === "" ? "" : ` (${driver})`}${software ? ", software: only with --adapter" : ""}`,
    `  features: ${listed.join(", ") || "none of those that kernels can use"}`,
    `  limits: bindings of ${formatBytes(limits.maxStorageBufferBindingSize)} (larger matrices are split), ` +
      `buffers of ${formatBytes(limits.maxBufferSize)}, workgroups of ${limits.maxComputeInvocationsPerWorkgroup} threads ` +
      `with ${formatBytes(limits.maxComputeWorkgroupStorageSize)}`,
    `  kernels: ${explainTuning(timedProducts, software)}`,
  ];
}

function explainTuning(timedProducts: number, software: boolean): string {
  if (timedProducts > 0) return `the fastest of those timed, for ${timedProducts} matrix products`;
  return software ? "by rule; --autotune times them" : "by rule; timed when a model is first loaded";
}

function explain(auto: BackendKind, probes: readonly Probe[]): string {
  if (auto === "webgpu") return "auto takes webgpu because a hardware adapter answers.";
  const adapters = probes.flatMap((found) => found.adapters ?? []);
  const why =
    adapters.length > 0
      ? `the only adapters are software, slower than the CPU's own backend; --device webgpu --adapter ${adapters[0]?.name.split(/\W/)[0] ?? ""} uses one anyway`
      : "no GPU adapter answers (above is what to install)";
  return `auto takes wasm because ${why}.`;
}
