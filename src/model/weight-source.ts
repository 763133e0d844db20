import { bytesPerWeight, type WeightDType, widenWeights } from "../core/dtype.ts";
import { narrowToBf16 } from "../core/bf16.ts";
import type { MatrixSource } from "../kernels/backend.ts";

/** Several matrices of equal width as one, one below the other. */
export function stackRows(name: string, parts: readonly MatrixSource[]): MatrixSource {
  const { sources, dtype, columns } = alike(parts);
  return {
    name,
    rows: sources.reduce((sum, { rows }) => sum + rows, 0),
    columns,
    dtype,
    identity: identityOf("stack", sources),
    async readRows(start, count, into) {
      const stride = columns * bytesPerWeight(dtype);
      let first = 0;
      for (const source of sources) {
        const from = Math.max(start, first);
        const to = Math.min(start + count, first + source.rows);
        if (from < to)
          await source.readRows(from - first, to - from, into.subarray((from - start) * stride, (to - start) * stride));
        first += source.rows;
      }
    },
  };
}

/** Two matrices of equal shape as one whose row 2i is `even`'s row i and row 2i + 1 is `odd`'s. */
export function interleaveRows(name: string, even: MatrixSource, odd: MatrixSource): MatrixSource {
  const { sources, dtype, columns } = alike([even, odd]);
  const halves = sources as readonly [MatrixSource, MatrixSource];
  const stride = columns * bytesPerWeight(dtype);
  const buffers: Uint8Array[] = []; // used again: memory new to the process costs more than the copy
  return {
    name,
    rows: 2 * even.rows,
    columns,
    dtype,
    identity: identityOf("interleave", sources),
    halves,
    async readRows(start, count, into) {
      const half = Math.ceil(count / 2) * stride;
      const buffer = buffers.pop()?.subarray(0, 2 * half) ?? new Uint8Array(0);
      const both = buffer.length === 2 * half ? buffer : new Uint8Array(2 * half);
      await Promise.all(
        sources.map(async (source, parity) => {
          const first = Math.ceil((start - parity) / 2);
          const end = Math.ceil((start + count - parity) / 2);
          const rows = both.subarray(parity * half, parity * half + (end - first) * stride);
          await source.readRows(first, end - first, rows);
          let at = (2 * first + parity - start) * stride;
          for (let row = 0; row < rows.length; row += stride, at += 2 * stride) {
            into.set(rows.subarray(row, row + stride), at);
          }
        }),
      );
      buffers.push(both);
    },
  };
}

/** Some rows of a matrix, in the order given. */
export function selectRows(name: string, source: MatrixSource, rows: readonly number[]): MatrixSource {
  const stride = source.columns * bytesPerWeight(source.dtype);
  return {
    name,
    rows: rows.length,
    columns: source.columns,
    dtype: source.dtype,
    async readRows(start, count, into) {
      for (const [i, row] of rows.slice(start, start + count).entries()) {
        await source.readRows(row, 1, into.subarray(i * stride, (i + 1) * stride));
      }
    },
  };
}

/** The same weights in another dtype: exact when widening, rounded to nearest even when narrowing to bf16. */
export function convertRows(source: MatrixSource, dtype: "F32" | "BF16"): MatrixSource {
  if (source.dtype === dtype) return source;
  return {
    name: source.name,
    rows: source.rows,
    columns: source.columns,
    dtype,
    async readRows(start, count, into) {
      const values = count * source.columns;
      const stored = new Uint8Array(values * bytesPerWeight(source.dtype));
      await source.readRows(start, count, stored);
      const wide = new Float32Array(values);
      widenWeights(stored, source.dtype, wide);
      into.set(dtype === "F32" ? new Uint8Array(wide.buffer) : narrowToBf16(wide));
    },
  };
}

/** What a matrix is that was made of others. */
function identityOf(how: string, parts: readonly MatrixSource[]): (() => Promise<string>) | undefined {
  const identities = parts.flatMap(({ identity }) => identity ?? []);
  if (identities.length < parts.length) return undefined;
  return async () => `${how}(${(await Promise.all(identities.map((identity) => identity()))).join(", ")})`;
}

/** Brings matrices to one dtype: theirs if they agree, else float32, which holds them all exactly. */
function alike(parts: readonly MatrixSource[]): {
  sources: readonly MatrixSource[];
  dtype: WeightDType;
  columns: number;
} {
  const [first] = parts;
  if (!first) throw new RangeError("no matrices to join");
  const mixed = parts.some(({ dtype }) => dtype !== first.dtype);
  const sources = mixed ? parts.map((part) => convertRows(part, "F32")) : parts;
  return { sources, dtype: mixed ? "F32" : first.dtype, columns: first.columns };
}
