import { availableParallelism, cpus, totalmem } from "node:os";
import type { Command } from "commander";
import type { BackendKind, DeviceInfo } from "../kernels/backend.ts";
import { chooseBackend } from "../model/choose-backend.ts";
import type { Context } from "./context.ts";
import { addCommonOptions, type CommonOptions } from "./options.ts";
import { formatBytes, printable, styleFor } from "./terminal.ts";

/** Fastest first: the order in which `auto` looks. */
const KINDS: readonly BackendKind[] = ["webgpu", "wasm", "reference"];

/** A backend that could be made, or why not. */
type Probe = { readonly kind: BackendKind } & ({ readonly device: DeviceInfo } | { readonly reason: string });

export function defineDevices(command: Command, context: Context): void {
  command.action((flags: CommonOptions) => devices(flags, context));
  addCommonOptions(command);
}

async function devices(flags: CommonOptions, context: Context): Promise<void> {
  const probes: Probe[] = [];
  for (const kind of KINDS) probes.push(await probe(kind));
  const auto = await probe("auto");
  if (flags.json === true) {
    context.stdout.write(`${JSON.stringify({ auto: auto.kind, devices: probes })}\n`);
    return;
  }
  const { bold, dim } = styleFor(context);
  const machine = `${cpus()[0]?.model ?? "CPU"}, ${availableParallelism()} threads, ${formatBytes(totalmem())}`;
  const sections = probes.map((found) => {
    const { title, lines } = describe(found);
    const mark = found.kind === auto.kind ? "  ← --device auto" : "";
    return [
      `${bold(found.kind.padEnd(9))}  ${title}${bold(mark)}`,
      ...lines.map((line) => dim(`           ${line}`)),
    ].join("\n");
  });
  const why = "auto takes webgpu where a hardware adapter answers, else the fastest backend of the CPU.";
  context.stdout.write(`${printable(machine)}; Node ${process.version}\n\n${sections.join("\n")}\n\n${why}\n`);
}

async function probe(kind: "auto" | BackendKind): Promise<Probe> {
  try {
    const backend = await chooseBackend({ device: kind });
    try {
      return { kind: backend.kind, device: backend.device };
    } finally {
      await backend.dispose();
    }
  } catch (error) {
    return {
      kind: kind === "auto" ? "reference" : kind,
      reason: error instanceof Error ? error.message : String(error),
    };
  }
}

function describe(found: Probe): { title: string; lines: string[] } {
  if ("reason" in found) return { title: `not available: ${printable(found.reason)}`, lines: [] };
  const { description, details } = found.device;
  return {
    title: printable(description),
    lines: Object.entries(details).map(([name, value]) => printable(`${name}: ${String(value)}`)),
  };
}
