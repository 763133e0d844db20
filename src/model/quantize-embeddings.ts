import { Qwen3Error } from "../core/errors.ts";

/** As in sentence-transformers. `binary` and `ubinary` pack the signs of eight dimensions into a byte. */
export type Precision = "float32" | "int8" | "uint8" | "binary" | "ubinary";

/** The array type of a vector in each precision. */
export interface VectorOf {
  float32: Float32Array;
  int8: Int8Array;
  uint8: Uint8Array;
  binary: Int8Array;
  ubinary: Uint8Array;
}

/** The smallest and largest value of every dimension; 256 equal steps between them are the int8 and uint8 values. */
export interface QuantizationRanges {
  readonly min: Float32Array;
  readonly max: Float32Array;
}

/** Where the ranges of int8 and uint8 come from: given, or taken from other vectors, or else from the vectors themselves. */
export interface QuantizationOptions {
  readonly ranges?: QuantizationRanges | undefined;
  readonly calibrationEmbeddings?: readonly Float32Array[] | undefined;
}

/**
 * sentence-transformers' `quantize_embeddings`, value for value.
 *
 * @param embeddings vectors of one length
 * @throws Qwen3Error if int8 or uint8 ranges would have to come from a single vector
 */
export function quantizeEmbeddings<P extends Precision>(
  embeddings: readonly Float32Array[],
  precision: P,
  options: QuantizationOptions = {},
): VectorOf[P][] {
  checkQuantization(embeddings.length, precision, options);
  if (embeddings.length === 0) return [];
  const quantizer: Quantizers[P] = QUANTIZERS[precision];
  return quantizer(embeddings, options);
}

/**
 * What can be known before there are embeddings.
 *
 * @throws Qwen3Error `invalid-argument` for an unknown precision, or 8 bits without anything to take ranges from
 */
export function checkQuantization(count: number, precision: Precision, options: QuantizationOptions): void {
  if (!Object.hasOwn(QUANTIZERS, precision)) {
    const known = Object.keys(QUANTIZERS).join(", ");
    throw new Qwen3Error("invalid-argument", `precision ${JSON.stringify(precision)}; expected one of ${known}`);
  }
  const needsRanges = precision === "int8" || precision === "uint8";
  if (needsRanges && count === 1 && !options.ranges && !options.calibrationEmbeddings) {
    const message = `${precision} ranges cannot come from a single embedding; give 'ranges' or 'calibrationEmbeddings' from a representative set`;
    throw new Qwen3Error("invalid-argument", message);
  }
}

type Quantizers = {
  readonly [P in Precision]: (embeddings: readonly Float32Array[], options: QuantizationOptions) => VectorOf[P][];
};

const QUANTIZERS: Quantizers = {
  float32: (embeddings) => [...embeddings],
  int8: (embeddings, options) => {
    const ranges = rangesFor(embeddings, options);
    return embeddings.map((vector) => Int8Array.from(steps(vector, ranges), (step) => step - 128));
  },
  uint8: (embeddings, options) => {
    const ranges = rangesFor(embeddings, options);
    return embeddings.map((vector) => Uint8Array.from(steps(vector, ranges)));
  },
  binary: (embeddings) => embeddings.map((vector) => Int8Array.from(packSigns(vector), (byte) => byte - 128)),
  ubinary: (embeddings) => embeddings.map(packSigns),
};

/** The smallest and largest value of every dimension over a set of vectors. */
export function quantizationRanges(embeddings: readonly Float32Array[]): QuantizationRanges {
  const [first] = embeddings;
  if (!first) throw new Qwen3Error("invalid-argument", "quantization ranges need at least one embedding, got none");
  const min = first.slice();
  const max = first.slice();
  for (const vector of embeddings) {
    for (const [i, value] of vector.entries()) {
      min[i] = Math.min(min[i] ?? value, value);
      max[i] = Math.max(max[i] ?? value, value);
    }
  }
  return { min, max };
}

function rangesFor(embeddings: readonly Float32Array[], options: QuantizationOptions): QuantizationRanges {
  const width = embeddings[0]?.length ?? 0;
  const ranges = options.ranges ?? quantizationRanges(options.calibrationEmbeddings ?? embeddings);
  for (const side of [ranges.min, ranges.max]) {
    if (side.length !== width) {
      const message = `quantization ranges have ${side.length} dimensions, the embeddings ${width}; make them with the same 'dimensions'`;
      throw new Qwen3Error("invalid-argument", message);
    }
  }
  return ranges;
}

/** Which of the 256 steps each value falls into, in numpy's float32 arithmetic. */
function steps(vector: Float32Array, { min, max }: QuantizationRanges): Float32Array {
  return vector.map((value, i) => {
    const start = min[i] ?? 0;
    const step = Math.fround(Math.fround((max[i] ?? 0) - start) / 255) || 1;
    return Math.min(Math.max(Math.floor(Math.fround(Math.fround(value - start) / step)), 0), 255);
  });
}

/** numpy.packbits(vector > 0): the first dimension is the highest bit; a last partial byte is filled with zeros. */
function packSigns(vector: Float32Array): Uint8Array {
  const bytes = new Uint8Array(Math.ceil(vector.length / 8));
  for (const [i, value] of vector.entries()) {
    if (value > 0) bytes[i >> 3] = (bytes[i >> 3] ?? 0) | (0x80 >> (i & 7));
  }
  return bytes;
}
