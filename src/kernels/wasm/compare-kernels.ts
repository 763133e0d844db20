import { narrowToBf16 } from "../../core/bf16.ts";
import type { Activation, Backend, Matrix, MatrixUse, Recording, Segment } from "../backend.ts";

/** Around the edges of register tiles, row panels and column panels, and one of a real model's depth. */
const PRODUCTS = [
  { rows: 1, columns: 19, depth: 520 },
  { rows: 7, columns: 16, depth: 1024 },
  { rows: 29, columns: 44, depth: 515 },
] as const;
const HEADS = { heads: 4, kvHeads: 2, headDim: 64 } as const;
/** Of sequences; the last one's keys fill more than two blocks of attention, so that sums are rescaled. */
const LENGTHS = [1, 17, 110] as const;

/**
 * Runs every operation that computes with vectors on two builds of the same kernels.
 *
 * @returns the first one whose results are not equal to the bit
 */
export async function firstDifference(expected: Backend, actual: Backend): Promise<string | undefined> {
  for (const [name, recipe] of recipes()) {
    const results = await Promise.all([expected, actual].map((backend) => compute(backend, recipe)));
    const [a = [], b = []] = results.map((arrays) => arrays.map(bytesOf));
    if (!a.every((bytes, i) => bytes.equals(b[i] as Buffer))) return name;
  }
  return undefined;
}

type Recipe = (on: Backend, ops: Recording) => Promise<readonly Activation[]>;

async function compute(backend: Backend, recipe: Recipe): Promise<Float32Array[]> {
  const recording = backend.record();
  return await recording.read(...(await recipe(backend, recording)));
}

function bytesOf({ buffer, byteOffset, byteLength }: Float32Array): Buffer {
  return Buffer.from(buffer, byteOffset, byteLength);
}

/** "product-and-table" keeps a matrix as stored where "product" would round it. */
function* recipes(): Generator<readonly [name: string, recipe: Recipe]> {
  for (const use of ["product", "product-and-table"] as const) {
    for (const { rows, columns, depth } of PRODUCTS) {
      for (const dtype of ["F32", "BF16"] as const) {
        const size = `${rows} × ${depth} by ${columns} of ${dtype}`;
        const weight = (on: Backend): Promise<Matrix> => random(on, [2 * columns, depth], { dtype, use });
        yield [`linear ${size}`, async (on, ops) => [ops.linear(await input(on, ops, rows, depth), await weight(on))]];
        yield [`gateUp ${size}`, async (on, ops) => [ops.gateUp(await input(on, ops, rows, depth), await weight(on))]];
      }
    }
    yield ["qkv and attention", (on, ops) => attend(on, ops, use)];
  }
  yield ["rmsNorm, normalize and topK", rowByRow];
}

async function attend(on: Backend, ops: Recording, use: MatrixUse): Promise<readonly Activation[]> {
  const { heads, kvHeads, headDim } = HEADS;
  const depth = 96;
  const tokens = LENGTHS.reduce((sum, length) => sum + length, 0);
  const norm = on.loadNorm("check", noise(headDim), 1e-6);
  const weights = {
    qkvProj: await random(on, [(heads + 2 * kvHeads) * headDim, depth], { dtype: "BF16", use }),
    numAttentionHeads: heads,
    numKeyValueHeads: kvHeads,
    qNorm: norm,
    kNorm: norm,
  };
  const halfDim = headDim / 2;
  const angles = noise(tokens * halfDim);
  const rotary = { positions: tokens, halfDim, cos: angles.map(Math.cos), sin: angles.map(Math.sin) };
  const positions = Uint32Array.from({ length: tokens }, (_, i) => i);
  const qkv = ops.qkv(await input(on, ops, tokens, depth), weights, { positions, rotary });
  return [qkv.q, qkv.k, qkv.v, ops.attention(qkv, { headDim, segments: segments() })];
}

function segments(): Segment[] {
  let end = 0;
  return LENGTHS.map((length) => {
    const start = (end += length) - length;
    const [queryStart, queryLength, keyStart, keyLength] = [start, length, start, length];
    return { queryStart, queryLength, keyStart, keyLength, prefixStart: 0, prefixLength: 0 };
  });
}

async function rowByRow(on: Backend, ops: Recording): Promise<readonly Activation[]> {
  const x = await input(on, ops, 9, 131);
  return [ops.rmsNorm(x, on.loadNorm("check", noise(131), 1e-6)), ops.normalize(x, 70), ops.topK(x, 5)];
}

/** Random rows, looked up in a table that holds them. */
async function input(on: Backend, ops: Recording, count: number, width: number): Promise<Activation> {
  const table = await random(on, [count, width], { dtype: "F32", use: "table" });
  return ops.embed(table, Uint32Array.from({ length: count }, (_, row) => row)); // oxfmt-ignore
}

interface Kind {
  readonly dtype: "F32" | "BF16";
  readonly use: MatrixUse;
}

function random(on: Backend, [rows, columns]: readonly [number, number], { dtype, use }: Kind): Promise<Matrix> {
  const values = noise(rows * columns);
  const bytes = dtype === "BF16" ? narrowToBf16(values) : new Uint8Array(values.buffer);
  const stride = bytes.length / rows;
  return on.loadMatrix(
    {
      name: "check",
      rows,
      columns,
      dtype,
      readRows: async (start, count, into) => into.set(bytes.subarray(start * stride, (start + count) * stride)),
    },
    use,
  );
}

/** Numbers between −1 and 1, always the same. */
function noise(length: number): Float32Array {
  let state = length;
  return Float32Array.from({ length }, () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 31 - 1;
  });
}
