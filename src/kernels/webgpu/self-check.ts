import { Qwen3Error } from "../../core/errors.ts";
import type { WeightDType } from "../../core/dtype.ts";
import { ReferenceBackend } from "../reference/reference-backend.ts";
import { type Check, embedCheck, otherChecks, type ProductVariant, productCheck, topKCheck } from "./check-recipes.ts";
import { SessionWeights } from "./check-session.ts";
import type { GpuSession } from "./gpu-session.ts";
import { type KernelVariant, variantKey } from "./kernel.ts";
import { EPILOGUE } from "./matmul.ts";
import type { MatmulChooser } from "./matmul-planner.ts";
import type { Program } from "./program.ts";
import { type ModelWeights, rehearse } from "./rehearsal.ts";
import { WEIGHT_TYPE } from "./weight-type.ts";
import { WebGpuRecording } from "./webgpu-recording.ts";

/** Part of a row's largest value by which results may differ from the reference. Wrong kernels are off by far more. */
const TOLERANCE = 1e-4;

/**
 * Runs every kernel that a model needs on the device, with ordinary values and outliers, and holds the results against
 * the reference: drivers and shader compilers have bugs. What is wrong is not used again; the next best takes its place.
 *
 * @param weights one of each kind
 * @returns the variants that the model needs in the end, and those of them that no check runs: none
 * @throws Qwen3Error `device` where a kernel is wrong and nothing else does its work
 */
export async function selfCheck(
  session: GpuSession,
  weights: ModelWeights,
  onWarning: (message: string) => void,
): Promise<CheckedKernels> {
  const right = new Set<string>();
  let needed = distinct(await rehearse(session, weights));
  for (;;) {
    const wrong = await findWrong(session, listChecks(session, weights, needed), right);
    if (wrong.length === 0) {
      return { needed: [...needed.keys()], unchecked: [...needed.keys()].filter((key) => !right.has(key)) };
    }
    for (const { variant } of wrong) session.distrust(variant);
    const left = await rehearse(session, weights);
    needed = distinct(left);
    for (const { variant, what, error } of wrong) {
      if (needed.has(variantKey(variant))) throw noneRight(session, variant, what, error);
      onWarning(`${describe(session, variant, what, error)}; another kernel takes its place`);
    }
    await session.compile(left);
  }
}

export interface CheckedKernels {
  readonly needed: readonly string[];
  readonly unchecked: readonly string[];
}

function distinct(variants: readonly KernelVariant[]): Map<string, KernelVariant> {
  return new Map(variants.map((variant) => [variantKey(variant), variant]));
}

/** In an order in which each rests only on what was checked before. */
function listChecks(session: GpuSession, weights: ModelWeights, needed: ReadonlyMap<string, KernelVariant>): Check[] {
  const { matrices, tables, shape } = weights;
  const dtypes = new Set<WeightDType>(["F32", ...[...tables, ...matrices].map(({ dtype }) => dtype)]);
  const products = [...needed.values()].flatMap((variant) => productVariant(session, variant) ?? []);
  const generates = [...needed.values()].some(({ kernel }) => kernel.name.startsWith("top-k"));
  return [
    ...[...dtypes].map(embedCheck),
    ...products.map(productCheck),
    ...otherChecks(shape, matrices[0]?.dtype ?? "F32"),
    ...(generates ? [topKCheck(shape)] : []),
  ];
}

/** The tile, dtype and epilogue that a product kernel's constants stand for. */
function productVariant({ matmuls }: GpuSession, variant: KernelVariant): ProductVariant | undefined {
  const tile = matmuls.tileOf(variant);
  const dtype = nameOf(WEIGHT_TYPE, variant.constants["weightType"]);
  const epilogue = nameOf(EPILOGUE, variant.constants["epilogue"]);
  return tile && dtype && epilogue && { tile, dtype, epilogue };
}

function nameOf<T extends string>(table: Readonly<Record<T, number>>, value: unknown): T | undefined {
  return (Object.keys(table) as T[]).find((name) => table[name] === value);
}

interface Wrong {
  readonly variant: KernelVariant;
  readonly what: string;
  /** Times the row's largest value. */
  readonly error: number;
}

async function findWrong(session: GpuSession, checks: readonly Check[], right: Set<string>): Promise<Wrong[]> {
  const wrong: Wrong[] = [];
  for (const check of checks) {
    const weights = new SessionWeights(session);
    try {
      const program = await recordOn(weights, check);
      const suspects = distinct(session.rehearse(program, chooserOf(session, check)));
      for (const key of right) suspects.delete(key);
      if (suspects.size === 0) continue;
      const error = await errorOf(session, check, program);
      if (error <= TOLERANCE) for (const key of suspects.keys()) right.add(key);
      else wrong.push(...[...suspects.values()].map((variant) => ({ variant, what: check.what, error })));
    } finally {
      weights.destroy();
    }
    // What follows may rest on it.
    if (wrong.length > 0) return wrong;
  }
  return wrong;
}

async function recordOn(weights: SessionWeights, check: Check): Promise<Program> {
  const programs: Program[] = [];
  const ops = new WebGpuRecording(async (program) => {
    programs.push(program);
    return [];
  });
  await ops.read(...(await check.record(weights, ops)));
  return programs[0] as Program;
}

function chooserOf({ matmuls }: GpuSession, { tile }: Check): MatmulChooser {
  return tile ? { choose: () => tile } : matmuls;
}

async function errorOf(session: GpuSession, check: Check, program: Program): Promise<number> {
  const reference = new ReferenceBackend();
  const ops = reference.record();
  const activations = await check.record(reference, ops);
  const expected = await ops.read(...activations);
  const readResults = await session.submit(program, chooserOf(session, check));
  const actual = await readResults();
  const errors = expected.map((values, i) =>
    largestError(values, actual[i] ?? new Float32Array(), activations[i]?.width ?? 1),
  );
  return Math.max(...errors);
}

/** Largest difference as a part of the largest expected value of its row; infinite where anything is not a number. */
function largestError(expected: Float32Array, actual: Float32Array, width: number): number {
  let worst = 0;
  for (let start = 0; start < expected.length; start += width) {
    let scale = 0;
    let difference = 0;
    for (let i = start; i < start + width; i++) {
      const value = expected[i] as number;
      const off = Math.abs(value - (actual[i] ?? Number.NaN));
      if (Number.isNaN(off)) return Infinity;
      scale = Math.max(scale, Math.abs(value));
      difference = Math.max(difference, off);
    }
    worst = Math.max(worst, difference / Math.max(scale, 1e-6));
  }
  return worst;
}

function describe({ device }: GpuSession, variant: KernelVariant, what: string, error: number): string {
  const { name, driver } = device.adapter;
  const off = Number.isFinite(error) ? `off by ${error.toPrecision(2)} of the largest value` : "not numbers";
  return `kernel '${variant.kernel.name}' computes wrong results on '${name}' (${driver}): ${what}: ${off}`;
}

function noneRight(session: GpuSession, variant: KernelVariant, what: string, error: number): Qwen3Error {
  return new Qwen3Error(
    "device",
    `${describe(session, variant, what, error)}, and no other kernel does its work; ` +
      `update the GPU's driver, choose another adapter, or use the device 'wasm'`,
  );
}
