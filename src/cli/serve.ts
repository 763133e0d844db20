import type { Command } from "commander";
import { Qwen3Error } from "../core/errors.ts";
import type { Handler } from "../server/create-handler.ts";
import type { ServerOptions } from "../server/options.ts";
import type { Context } from "./context.ts";
import { Notes } from "./notes.ts";
import { withPackages } from "./optional-package.ts";
import { addServeOptions, type ServeFlags } from "./serve/flags.ts";
import { type LoadedModels, loadServedModels } from "./serve/load-models.ts";
import { startTracing } from "./serve/tracing.ts";

/** What the server needs besides commander. */
const PACKAGES = ["hono", "@hono/node-server", "@opentelemetry/api", "zod", "prom-client", "pino"];

const DEMONSTRATION_NOTE = "serving the bundled demonstration models; for real work name a checkpoint with --model-id";

export function defineServe(command: Command, context: Context): void {
  command.option("-q, --quiet", "print nothing but errors").option("--verbose", "show where errors come from");
  addServeOptions(command);
  command.action((flags: ServeFlags & { readonly model?: string; readonly hfApiToken?: string }) =>
    serve({ ...flags, ...otherNames(flags) }, context),
  );
}

/** Flags that have two names. */
function otherNames(
  flags: ServeFlags & { readonly model?: string; readonly hfApiToken?: string },
): Partial<ServeFlags> {
  const modelId = flags.modelId ?? flags.model;
  const hfToken = flags.hfToken ?? flags.hfApiToken;
  return { ...(modelId !== undefined && { modelId }), ...(hfToken !== undefined && { hfToken }) };
}

async function serve(flags: ServeFlags, context: Context): Promise<void> {
  const parts = await withPackages(PACKAGES, () => import("./serve/parts.ts"));
  // Where the hub's client looks for it.
  if (flags.hfToken !== undefined) process.env["HF_TOKEN"] = flags.hfToken;
  const level = flags.quiet === true ? "error" : context.env["LOG_LEVEL"];
  const logger = parts.createLogger(context.stderr, { json: flags.jsonOutput === true, level });
  const stop = stopSignal(context.signal);
  const { otlpEndpoint, otlpServiceName } = flags;
  const endTracing = otlpEndpoint === undefined ? undefined : await startTracing(otlpEndpoint, otlpServiceName);
  if (flags.modelId === undefined) new Notes(context, flags).note(DEMONSTRATION_NOTE);
  await using models = await loadServedModels(flags, context.signal);
  checkPooling(flags, models);
  const services = new parts.Services(models, { ...serverOptions(flags), logger });
  const handler = parts.handlerOf(services);
  const listening = [await parts.listen(handler, flags)];
  if (flags.prometheusPort !== undefined) {
    listening.push(await parts.listen(onlyMetrics(handler), { hostname: flags.hostname, port: flags.prometheusPort }));
  }
  for (const { hostname, port } of listening) logger.info({ hostname, port }, "listening");
  const reason = await stop;
  logger.info({ reason }, "accepting nothing any more; finishing what is under way");
  await Promise.all(listening.map((each) => each.close(flags.gracePeriod * 1000)));
  await services.close();
  await endTracing?.();
  context.signal.throwIfAborted();
}

/** SIGTERM, or what the command is aborted by. */
function stopSignal(signal: AbortSignal): Promise<string> {
  return new Promise((resolve) => {
    process.once("SIGTERM", () => resolve("SIGTERM"));
    signal.addEventListener("abort", () => resolve("interrupt"), { once: true });
  });
}

function serverOptions(flags: ServeFlags): ServerOptions {
  const { modelId, reranker: rerankerId, ...options } = flags;
  return { ...options, modelId, rerankerId, dtype: DTYPE_NAMES[flags.dtype] };
}

/** As TEI's `/info` has them; Qwen3's checkpoints are stored as bfloat16. */
const DTYPE_NAMES: Readonly<Record<ServeFlags["dtype"], string>> = {
  auto: "bfloat16",
  bf16: "bfloat16",
  f32: "float32",
  int8: "int8",
};

/** Metrics for whoever may not see the rest. */
function onlyMetrics(handler: Handler): Handler {
  return async (request) => {
    const { pathname } = new URL(request.url);
    return pathname === "/metrics" ? await handler(request) : new Response(null, { status: 404 });
  };
}

/** @throws Qwen3Error if `--pooling` is not what the checkpoint says */
function checkPooling({ pooling }: ServeFlags, { embedding }: LoadedModels): void {
  if (pooling === undefined || embedding === undefined) return;
  const own = embedding.pooling === "mean" ? "mean" : "last-token";
  if (pooling === own) return;
  const message = `--pooling ${pooling}: ${embedding.name} pools by ${own}, which cannot be changed`;
  throw new Qwen3Error("unsupported", message);
}
