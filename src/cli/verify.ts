import { type Command, Option } from "commander";
import { Qwen3Error } from "../index.ts";
import type { OnProgress } from "../model/progress.ts";
import { roleOf as roleOfFolder } from "../weights/hub/cached-models.ts";
import { DEFAULT_RERANKER, resolveModel } from "../weights/index.ts";
import type { Context } from "./context.ts";
import { loadEmbeddingModel, loadRerankerModel } from "./load-model.ts";
import { addModelOptions, type ModelOptions } from "./options.ts";
import { ProgressBars } from "./progress.ts";
import { table } from "./terminal.ts";
import { agreementChecks } from "./verify/agreement-checks.ts";
import type { Check } from "./verify/check.ts";
import { invariantChecks } from "./verify/invariant-checks.ts";
import { measurements } from "./verify/measurements.ts";
import { publishedChecks } from "./verify/published-checks.ts";
import { embeddingSubject, rerankerSubject, type Role, type Subject } from "./verify/subject.ts";
import { tokenizerChecks } from "./verify/tokenizer-checks.ts";

interface VerifyFlags extends ModelOptions {
  readonly role?: Role;
}

export function defineVerify(command: Command, context: Context): void {
  const role = new Option("--role <role>", "what the model is for (default: by its files and name)");
  command
    .addOption(role.choices(["embedding", "reranker", "causal"]))
    .action((flags: VerifyFlags) => verify(flags, context));
  addModelOptions(command);
}

async function verify(flags: VerifyFlags, context: Context): Promise<void> {
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
  flags: VerifyFlags,
  context: Context,
): Promise<{ checks: Check[]; model: string; device: string }> {
  using progress = await ProgressBars.create(context, flags);
  const subject = await loadSubject(flags, context, progress.onProgress);
  await using model = subject.model;
  const { kind, description } = model.device;
  const own = await ownChecks(subject);
  await model.dispose();
  // Agreement loads the model again, beside the reference: two copies at once would not fit for the large ones.
  const { revision, lora, adapter, autotune, threads, revectorize, dtype } = flags;
  const agreement = await agreementChecks({
    model: flags.model ?? (flags.role === "reranker" ? DEFAULT_RERANKER : undefined),
    device: kind,
    loadOptions: { revision, lora, adapter, autotune, threads, revectorize, dtype, signal: context.signal },
  });
  return { checks: [...own, ...agreement], model: model.name, device: `${kind} (${description})` };
}

async function loadSubject(flags: VerifyFlags, context: Context, onProgress: OnProgress): Promise<Subject> {
  const int8 = flags.dtype === "int8";
  const role = flags.role ?? (await roleOf(flags, context, onProgress));
  if (role === "reranker") return rerankerSubject(await loadRerankerModel(flags, context, onProgress), { int8 });
  return embeddingSubject(await loadEmbeddingModel(flags, context, onProgress), { role, int8 });
}

const ROLES: Readonly<Record<string, Role>> = { reranker: "reranker", "language model": "causal" };

/** A reranker's files are a language model's; without --role, only its name tells. */
async function roleOf({ model, revision }: VerifyFlags, context: Context, onProgress: OnProgress): Promise<Role> {
  if (model === undefined) return "embedding";
  const { folder, name } = await resolveModel(model, { revision, signal: context.signal, onProgress });
  return ROLES[await roleOfFolder(folder, name)] ?? "embedding";
}

async function ownChecks(subject: Subject): Promise<Check[]> {
  return [
    ...tokenizerChecks(subject),
    ...(await publishedChecks(subject)),
    ...(await invariantChecks(subject)),
    ...(await measurements(subject)),
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
