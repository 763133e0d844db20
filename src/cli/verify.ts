import type { Command } from "commander";
import { type EmbeddingModel, Qwen3Error } from "../index.ts";
import type { Context } from "./context.ts";
import { loadEmbeddingModel } from "./load-model.ts";
import { addModelOptions, type ModelOptions } from "./options.ts";
import { ProgressBars } from "./progress.ts";
import { table } from "./terminal.ts";
import { agreementChecks } from "./verify/agreement-checks.ts";
import type { Check } from "./verify/check.ts";
import { invariantChecks } from "./verify/invariant-checks.ts";
import { measurements } from "./verify/measurements.ts";
import { publishedChecks } from "./verify/published-checks.ts";
import { tokenizerChecks } from "./verify/tokenizer-checks.ts";

export function defineVerify(command: Command, context: Context): void {
  command.action((flags: ModelOptions) => verify(flags, context));
  addModelOptions(command);
}

async function verify(flags: ModelOptions, context: Context): Promise<void> {
  const { checks, model, device } = await checkModel(flags, context);
  const failed = checks.filter(({ status }) => status === "fail");
  const report = { model, device, passed: failed.length === 0, checks };
  context.stdout.write(
    flags.json === true ? `${JSON.stringify(report)}\n` : `${model} on ${device}\n\n${describe(checks)}`,
  );
  if (failed.length > 0) {
    throw new Qwen3Error(
      "device",
      `${failed.length} of ${checks.length} checks failed: ${failed.map(({ name }) => name).join(", ")}`,
    );
  }
}

async function checkModel(
  flags: ModelOptions,
  context: Context,
): Promise<{ checks: Check[]; model: string; device: string }> {
  using progress = await ProgressBars.create(context, flags);
  await using model = await loadEmbeddingModel(flags, context, progress.onProgress);
  const { kind, description } = model.device;
  const own = await ownChecks(model);
  // Agreement loads the model again, beside the reference: two copies at once would not fit for the large ones.
  await model.dispose();
  const { revision, lora, adapter, autotune, threads, dtype } = flags;
  const agreement = await agreementChecks({
    model: flags.model,
    device: kind,
    loadOptions: { revision, lora, adapter, autotune, threads, dtype, signal: context.signal },
  });
  return { checks: [...own, ...agreement], model: model.name, device: `${kind} (${description})` };
}

async function ownChecks(model: EmbeddingModel): Promise<Check[]> {
  return [
    ...tokenizerChecks(model),
    ...(await publishedChecks(model)),
    ...(await invariantChecks(model)),
    ...(await measurements(model)),
  ];
}

const MARKS: Readonly<Record<Check["status"], string>> = {
  pass: "ok",
  fail: "FAILED",
  info: "",
  "not applicable": "n/a",
};

function describe(checks: readonly Check[]): string {
  return table(checks.map(({ name, status, detail }) => [name, MARKS[status], detail]));
}
