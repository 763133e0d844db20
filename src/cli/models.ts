import type { Command } from "commander";
import { quantizedCacheUse } from "../kernels/wasm/quantized-cache.ts";
import { bundledModels } from "../weights/index.ts";
import { bundledFolder } from "../weights/bundled.ts";
import { type CachedModel, cachedModels, roleOf } from "../weights/hub/cached-models.ts";
import { cacheFolder } from "../weights/hub/environment.ts";
import type { Context } from "./context.ts";
import { Notes } from "./notes.ts";
import { addCommonOptions, type CommonOptions } from "./options.ts";
import { formatBytes, printable, styleFor, table } from "./terminal.ts";

interface ModelsFlags extends CommonOptions {
  readonly all?: true;
  readonly cacheDir?: string;
}

export function defineModels(command: Command, context: Context): void {
  command
    .option("-a, --all", "models of other architectures too")
    .option("--cache-dir <folder>", "the cache to look in (default: the one that Python's libraries use)")
    .action((flags: ModelsFlags) => models(flags, context));
  addCommonOptions(command);
}

async function models(flags: ModelsFlags, context: Context): Promise<void> {
  const folders =
    flags.cacheDir === undefined
      ? [cacheFolder("huggingface", context.env), cacheFolder("modelscope", context.env)]
      : [flags.cacheDir];
  const found = (await Promise.all(folders.map(cachedModels))).flat();
  const shown = found.filter(({ role }) => flags.all === true || role !== "unknown");
  const bundled = await Promise.all(
    bundledModels().map(async (id) => ({ id, folder: bundledFolder(id), role: await roleOf(bundledFolder(id), id) })),
  );
  if (flags.json === true) {
    context.stdout.write(`${JSON.stringify({ bundled, cached: shown })}\n`);
    return;
  }
  const { bold } = styleFor(context);
  const rows = [
    ["MODEL", "ROLE", "REVISION", "COMMIT", "SIZE"],
    ...bundled.map(({ id, role }) => [id, role, "with the package", "", ""]),
    ...shown.map(row),
  ];
  const [head = "", ...lines] = table(rows, ["left", "left", "left", "left", "right"]).split("\n");
  context.stdout.write(`${bold(head)}\n${lines.join("\n")}`);
  const notes = new Notes(context, flags);
  if (shown.length < found.length)
    notes.note(`not shown: ${found.length - shown.length} of other architectures (--all shows them)`);
  notes.note(`cache: ${folders.join(", ")}`);
  const eightBit = await quantizedCacheUse();
  if (eightBit.bytes > 0) notes.note(`weights in eight bits: ${formatBytes(eightBit.bytes)} in ${eightBit.folder}`);
}

function row({ hub, id, role, refs, commit, bytes, missing }: CachedModel): string[] {
  const name = hub === "huggingface" ? id : `${hub}:${id}`;
  const state = missing.length > 0 ? `incomplete: qwen3 pull ${name}` : refs.join(", ");
  return [printable(name), role, printable(state), commit.slice(0, 8), formatBytes(bytes)];
}
