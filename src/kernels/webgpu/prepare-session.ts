import { autotune } from "./autotune.ts";
import type { GpuSession, SessionOptions } from "./gpu-session.ts";
import { EPILOGUE, matmulConstants } from "./matmul.ts";
import { matmulSubgroupMatrixKernel } from "./matmul-kernels.ts";
import { keepCompiling, type OnWarning } from "./refused-tiles.ts";
import { type ModelWeights, rehearse } from "./rehearsal.ts";
import { selfCheck } from "./self-check.ts";
import { tuningKey } from "./tuning-key.ts";
import { tuningFolder, TuningStore } from "./tuning-store.ts";

export interface PrepareOptions extends SessionOptions {
  /**
   * Times the tiles of matrix products when a model of new sizes is first loaded on an adapter, for at most about two
   * seconds, and remembers the fastest. Results stay within the same tolerances. @default true, but on software adapters
   */
  readonly autotune?: boolean;
  /**
   * Whether every kernel is held against the reference when a model is loaded. One that is wrong on this adapter is
   * replaced, with a warning, or is an error if there is no other. @default true
   */
  readonly selfCheck?: boolean;
  /** Milliseconds that timing may take, give or take one product. @default 2000 */
  readonly tuningBudget?: number;
  /** Where timings are kept. @default webgpu-tiles in the user's cache folder for qwen3-ts */
  readonly tuningFolder?: string;
}

/** Makes a session ready for a model: chooses kernels and compiles whatever its batches will need, all of it at once. */
export async function prepareSession(
  session: GpuSession,
  weights: ModelWeights,
  options: PrepareOptions,
  onWarning: OnWarning,
): Promise<void> {
  const { software } = session.device.adapter;
  const tunes = (options.autotune ?? !software) && options.tile === undefined;
  // By rule, software does without them: compiling them there would be for nothing.
  if (tunes || !software) await dropRefused(session, weights, onWarning);
  if (tunes) {
    const key = await tuningKey(session.device, session.matmuls.tiles, options.kernels ?? {});
    const folder = options.tuningFolder ?? tuningFolder();
    const store = new TuningStore(folder, key);
    await autotune(session, weights, { store, budget: options.tuningBudget ?? 2000, onWarning });
  }
  const sample = oneOfEach(weights);
  await session.compile(await rehearse(session, sample));
  if (options.selfCheck !== false) await selfCheck(session, sample, onWarning);
}

/** Matrix units are an experimental feature: who offers them may still refuse to compile for them. */
async function dropRefused(session: GpuSession, weights: ModelWeights, onWarning: OnWarning): Promise<void> {
  const dtypes = new Set(weights.matrices.map(({ dtype }) => dtype));
  const epilogues = Object.keys(EPILOGUE) as (keyof typeof EPILOGUE)[];
  const tiles = session.matmuls.tiles.filter(({ kernel }) => kernel === matmulSubgroupMatrixKernel);
  await keepCompiling(session, tiles, onWarning, async (tile) => {
    const constants = [...dtypes].flatMap((dtype) => epilogues.map((each) => matmulConstants(tile, dtype, each)));
    await Promise.all(constants.map((each) => session.pipelines.compile({ kernel: tile.kernel, constants: each })));
  });
}

/** Layers are alike: kernels differ by sizes and dtypes only. */
function oneOfEach(weights: ModelWeights): ModelWeights {
  const matrices = new Map(weights.matrices.map((m) => [`${m.rows}x${m.columns} ${m.dtype}`, m]));
  const norms = new Map(weights.norms.map((norm) => [norm.width, norm]));
  return { ...weights, matrices: [...matrices.values()], norms: [...norms.values()] };
}
