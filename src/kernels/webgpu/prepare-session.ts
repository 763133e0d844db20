import type { GpuSession } from "./gpu-session.ts";
import { type ModelWeights, rehearse } from "./rehearsal.ts";

/** Makes a session ready for a model: whatever its batches will need is compiled, all of it at once. */
export async function prepareSession(session: GpuSession, weights: ModelWeights): Promise<void> {
  const programs = await rehearse(oneOfEach(weights));
  await session.compile(programs.flatMap((program) => session.rehearse(program)));
}

/** Layers are alike: kernels differ by sizes and dtypes only. */
function oneOfEach(weights: ModelWeights): ModelWeights {
  const matrices = new Map(weights.matrices.map((m) => [`${m.rows}x${m.columns} ${m.dtype}`, m]));
  const norms = new Map(weights.norms.map((norm) => [norm.width, norm]));
  return { ...weights, matrices: [...matrices.values()], norms: [...norms.values()] };
}
