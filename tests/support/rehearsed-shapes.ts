import { GpuDevice, type GpuDeviceOptions } from "../../src/core/gpu/gpu-device.ts";
import type { DecoderShape, MatrixSource } from "../../src/kernels/backend.ts";
import { SessionWeights } from "../../src/kernels/webgpu/check-session.ts";
import { GpuMatrix } from "../../src/kernels/webgpu/gpu-matrix.ts";
import { GpuSession } from "../../src/kernels/webgpu/gpu-session.ts";
import type { Dispatch } from "../../src/kernels/webgpu/kernel.ts";
import { type ModelWeights, rehearse } from "../../src/kernels/webgpu/rehearsal.ts";

/** Qwen3's heads and widths (0.6B, 4B, 8B) and an uneven one. Kernels do not depend on the other sizes, which are small. */
export const SHAPES: readonly DecoderShape[] = [
  shapeOf(1024, [16, 8, 128], 5000),
  shapeOf(2560, [32, 8, 128], 100),
  shapeOf(4096, [32, 8, 128], 100),
  shapeOf(96, [4, 2, 48], 20_000),
];

type Heads = readonly [heads: number, keyValueHeads: number, headDim: number];

function shapeOf(
  hiddenSize: number,
  [numAttentionHeads, numKeyValueHeads, headDim]: Heads,
  vocabSize: number,
): DecoderShape {
  const heads = { numAttentionHeads, numKeyValueHeads, headDim };
  return { ...heads, hiddenSize, intermediateSize: 200, numHiddenLayers: 2, vocabSize };
}

/** The dispatches that a generating model of this shape needs. */
export async function rehearseShape(shape: DecoderShape, options: GpuDeviceOptions = {}): Promise<Dispatch[]> {
  const device = await GpuDevice.open({ allowSoftware: true, ...options });
  try {
    const session = new GpuSession(device);
    return await rehearse(session, await emptyWeights(session, shape));
  } finally {
    device.dispose();
  }
}

/** A model's weights, all zero. */
export async function emptyWeights(session: GpuSession, shape: DecoderShape): Promise<ModelWeights> {
  const { hiddenSize, intermediateSize, numAttentionHeads, numKeyValueHeads, headDim, vocabSize } = shape;
  const loader = new SessionWeights(session);
  const sizes = [
    [(numAttentionHeads + 2 * numKeyValueHeads) * headDim, hiddenSize],
    [hiddenSize, numAttentionHeads * headDim],
    [2 * intermediateSize, hiddenSize],
    [hiddenSize, intermediateSize],
    [vocabSize, hiddenSize],
  ] as const;
  const matrices = await Promise.all(
    sizes.map(([rows, columns]) => loader.loadMatrix(zeros(rows, columns), "product-and-table")),
  );
  const norms = [hiddenSize, headDim].map((width) => loader.loadNorm("norm", new Float32Array(width), 1e-6));
  return { shape, matrices: matrices.filter((matrix) => matrix instanceof GpuMatrix), tables: [], norms };
}

function zeros(rows: number, columns: number): MatrixSource {
  const readRows: MatrixSource["readRows"] = async (_start, count, into) => {
    into.fill(0, 0, count * columns * 2);
  };
  return { name: "zeros", rows, columns, dtype: "BF16", readRows };
}
