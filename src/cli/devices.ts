import { availableParallelism, cpus, totalmem } from "node:os";
import type { Command } from "commander";
import type { BackendKind } from "../kernels/backend.ts";
import type { Context } from "./context.ts";
import { type Probe, probe } from "./devices/probe.ts";
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
    `${printable(machine)}; Node ${process.version}\n\n${sections.join("\n")}\n\n${explain(auto)}\n`,
  );
}

function details({ device, adapters = [] }: Probe): string[] {
  const facts = Object.entries(device?.details ?? {}).map(([name, value]) => `${name}: ${String(value)}`);
  const listed = adapters.map(({ name, driver, software }) => {
    return `adapter: ${name}${driver === "" ? "" : ` (${driver})`}${software ? ", software: only with --adapter" : ""}`;
  });
  return [...facts, ...listed];
}

function explain(auto: BackendKind): string {
  return auto === "webgpu"
    ? "auto takes webgpu because a hardware adapter answers."
    : "auto takes wasm because no hardware adapter answers; software adapters are slower than the CPU's own backend.";
}
