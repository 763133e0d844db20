import type { DType } from "../core/dtype.ts";
import { DTYPE_BITS } from "../core/dtype.ts";
import { Qwen3Error } from "../core/errors.ts";
import { quote } from "./quote.ts";
import type { StrictJson } from "./strict-json.ts";
import { parseStrictJson } from "./strict-json.ts";

/** What a header says about one tensor, checked against the file. */
export interface TensorInfo {
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly byteLength: number;
  /** Where its first byte is, from the start of its file. Not necessarily a multiple of the element size. */
  readonly byteOffset: number;
}

export interface SafetensorsHeader {
  /** In the order in which the tensors lie in the file. */
  readonly tensors: ReadonlyMap<string, TensorInfo>;
  readonly metadata: ReadonlyMap<string, string>;
}

const U64_MAX = 2n ** 64n - 1n;

/**
 * Reads the JSON of a header and checks everything it claims against the bytes that are there: each tensor's size is
 * what its shape and dtype need, and together they cover the data without a gap, an overlap or a rest.
 *
 * @param bytes the JSON, without the eight bytes of its length
 * @param fileSize of the whole file
 * @throws Qwen3Error `invalid-checkpoint`; the message does not name the file
 */
export function parseHeader(bytes: Uint8Array, fileSize: number): SafetensorsHeader {
  const header = asMap(parseStrictJson(decodeUtf8(bytes)), "the header");
  const dataStart = 8 + bytes.byteLength;
  const tensors: [string, TensorInfo][] = [];
  let metadata: ReadonlyMap<string, string> = new Map();
  for (const [name, value] of header) {
    if (name === "__metadata__") metadata = parseMetadata(value);
    else tensors.push([name, parseTensor(name, value, dataStart)]);
  }
  tensors.sort(([, a], [, b]) => a.byteOffset - b.byteOffset || a.byteLength - b.byteLength);
  checkCoverage(tensors, dataStart, fileSize);
  return { tensors: new Map(tensors), metadata };
}

function decodeUtf8(bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw invalid("the header is not UTF-8");
  }
}

function parseMetadata(value: StrictJson): ReadonlyMap<string, string> {
  // The reference library takes null for "none", and the format does not say otherwise.
  if (value === null) return new Map();
  const metadata = new Map<string, string>();
  for (const [key, entry] of asMap(value, "'__metadata__'")) {
    if (typeof entry !== "string")
      throw invalid(`'__metadata__' holds ${show(entry)} at ${quote(key)}, expected a string`);
    metadata.set(key, entry);
  }
  return metadata;
}

function parseTensor(name: string, value: StrictJson, dataStart: number): TensorInfo {
  const where = `tensor ${quote(name)}`;
  const entry = asMap(value, where);
  const dtype = entry.get("dtype");
  if (!isDType(dtype))
    throw invalid(`${where}: dtype ${show(dtype)}, expected one of ${Object.keys(DTYPE_BITS).join(", ")}`);
  const shape = parseSizes(entry.get("shape"), `${where}: shape`);
  const [begin, end, ...rest] = parseSizes(entry.get("data_offsets"), `${where}: data_offsets`);
  if (begin === undefined || end === undefined || rest.length > 0) {
    throw invalid(`${where}: data_offsets ${show(entry.get("data_offsets"))}, expected [begin, end]`);
  }
  if (begin > end) throw invalid(`${where}: data_offsets [${begin}, ${end}] end before they begin`);
  const needed = bytesNeeded(where, dtype, shape);
  if (BigInt(end - begin) !== needed) {
    const offsets = `data_offsets [${begin}, ${end}], which is ${end - begin} bytes`;
    throw invalid(`${where}: ${offsets}; ${dtype} ${showShape(shape)} needs ${needed}`);
  }
  return { dtype, shape, byteLength: end - begin, byteOffset: dataStart + begin };
}

function isDType(value: StrictJson | undefined): value is DType {
  return typeof value === "string" && Object.hasOwn(DTYPE_BITS, value);
}

function parseSizes(value: StrictJson | undefined, where: string): readonly number[] {
  if (!Array.isArray(value)) throw invalid(`${where} ${show(value)}, expected a list of integers`);
  return value.map((item: StrictJson) => {
    const literal = isNumber(item) ? item.literal : "";
    const size = /^(0|[1-9]\d*)$/.test(literal) ? Number(literal) : NaN;
    if (!Number.isSafeInteger(size))
      throw invalid(`${where} holds ${show(item)}, expected integers from 0 to 2^53 - 1`);
    return size;
  });
}

/** In 64-bit arithmetic that may not overflow at any step, as in the reference library, so that nothing wraps to fit. */
function bytesNeeded(where: string, dtype: DType, shape: readonly number[]): bigint {
  let product = 1n;
  for (const factor of [...shape, DTYPE_BITS[dtype]]) {
    product *= BigInt(factor);
    if (product > U64_MAX) throw invalid(`${where}: the size of ${dtype} ${showShape(shape)} overflows 64 bits`);
  }
  if (product % 8n !== 0n)
    throw invalid(`${where}: ${dtype} ${showShape(shape)} is ${product} bits, not a whole number of bytes`);
  return product / 8n;
}

function checkCoverage(tensors: readonly [string, TensorInfo][], dataStart: number, fileSize: number): void {
  let covered = dataStart;
  let previous = "the header";
  for (const [name, { byteOffset, byteLength }] of tensors) {
    if (byteOffset !== covered) {
      const problem =
        byteOffset < covered ? `overlaps ${previous}` : `leaves ${byteOffset - covered} unused bytes after ${previous}`;
      throw invalid(
        `tensor ${quote(name)} ${problem}: it begins at byte ${byteOffset} of the file, expected ${covered}`,
      );
    }
    covered += byteLength;
    previous = `tensor ${quote(name)}`;
  }
  if (covered !== fileSize) {
    const hint = covered > fileSize ? "is it a partial download?" : "the rest belongs to no tensor";
    throw invalid(`${previous} ends at byte ${covered}, but the file has ${fileSize} bytes; ${hint}`);
  }
}

function asMap(value: StrictJson, where: string): ReadonlyMap<string, StrictJson> {
  if (value instanceof Map) return value;
  throw invalid(`${where} is ${show(value)}, expected a JSON object`);
}

function isNumber(value: StrictJson): value is { readonly literal: string } {
  return typeof value === "object" && value !== null && "literal" in value;
}

/** A value as it stood in the file, short enough for an error message. */
function show(value: StrictJson | undefined): string {
  if (value === undefined) return "missing";
  if (typeof value === "string") return quote(value);
  if (value instanceof Map) return "an object";
  if (Array.isArray(value)) return showShape(value.slice(0, 10).map(show));
  return isNumber(value) ? value.literal.slice(0, 40) : JSON.stringify(value);
}

function showShape(sizes: readonly (number | string)[]): string {
  return `[${sizes.slice(0, 9).join(", ")}${sizes.length > 9 ? ", …" : ""}]`;
}

function invalid(message: string): Qwen3Error {
  return new Qwen3Error("invalid-checkpoint", message);
}
