import { DTYPE_BITS } from "../core/dtype.ts";
import { Qwen3Error } from "../core/errors.ts";
import type { NumericDType } from "../core/to-float32.ts";
import { isNumericDType, toFloat32 } from "../core/to-float32.ts";
import { PositionedFile } from "./positioned-file.ts";
import { quote } from "./quote.ts";
import type { SafetensorsHeader, TensorInfo } from "./safetensors-header.ts";
import { parseHeader } from "./safetensors-header.ts";

/** The reference library's own limit; a real header has about a hundred bytes per tensor. */
const MAX_HEADER_BYTES = 100_000_000;

/** What Node 20 holds in one buffer. The largest tensor of the family, the 8B model's table, has 2.5 GB as float32. */
const MAX_WHOLE_BYTES = 2 ** 32;

/** A multiple of every element size. */
const CONVERSION_CHUNK = 2 ** 20;

/**
 * A `.safetensors` file, read by position: opening it reads the header, and tensors are read when asked for, straight
 * into the caller's memory if it gives some. Everything the header claims is checked against the file first.
 *
 * @example
 * await using file = await SafetensorsFile.open("model.safetensors");
 * const norm = await file.readFloat32("norm.weight");
 */
export class SafetensorsFile implements AsyncDisposable {
  readonly path: string;
  /** By name, in the order in which they lie in the file. */
  readonly tensors: ReadonlyMap<string, TensorInfo>;
  /** The header's `__metadata__`; empty where there is none. */
  readonly metadata: ReadonlyMap<string, string>;
  readonly #file: PositionedFile;

  private constructor(file: PositionedFile, header: SafetensorsHeader) {
    this.path = file.path;
    this.tensors = header.tensors;
    this.metadata = header.metadata;
    this.#file = file;
  }

  /**
   * @throws Qwen3Error `not-found` where there is no such file; `invalid-checkpoint` where the header is damaged or
   * does not fit the file, naming the file, the tensor, what was got and what was expected
   */
  static async open(path: string): Promise<SafetensorsFile> {
    const file = await PositionedFile.open(path);
    try {
      return new SafetensorsFile(file, parseHeader(await readHeader(file), file.size));
    } catch (error) {
      await file.close();
      if (error instanceof SyntaxError) throw damaged(path, `the header is not JSON: ${error.message}`, error);
      throw error instanceof Qwen3Error ? damaged(path, error.message, error) : error;
    }
  }

  /**
   * A tensor's stored bytes, little-endian.
   *
   * @param into filled from its start; may be shared memory or a mapped GPU buffer
   * @returns the part of `into` that was filled, or a new array
   * @throws Qwen3Error `not-found`, `invalid-argument` where `into` is too small, `too-large` above 4 GiB without `into`
   */
  async read(name: string, into?: Uint8Array): Promise<Uint8Array> {
    const { byteLength } = this.#tensor(name);
    const target = into?.subarray(0, byteLength) ?? new Uint8Array(allocate(this.path, name, byteLength));
    if (target.byteLength < byteLength) throw tooSmall(name, `${byteLength} bytes`, target.byteLength);
    await this.readRange(name, 0, target);
    return target;
  }

  /**
   * Fills `into` with a tensor's stored bytes from `byteOffset` on.
   *
   * @throws Qwen3Error `not-found`; `invalid-argument` where the range leaves the tensor
   */
  async readRange(name: string, byteOffset: number, into: Uint8Array): Promise<void> {
    const tensor = this.#tensor(name);
    if (!Number.isSafeInteger(byteOffset) || byteOffset < 0 || byteOffset + into.byteLength > tensor.byteLength) {
      const range = `bytes ${byteOffset} to ${byteOffset + into.byteLength}`;
      throw new Qwen3Error(
        "invalid-argument",
        `${range} of tensor ${quote(name)} were asked for, it has ${tensor.byteLength}`,
      );
    }
    await this.#file.readInto(into, tensor.byteOffset + byteOffset);
  }

  /**
   * A tensor's values as float32, row-major: exact for F32, BF16, F16 and the 8-bit floats, nearest for the others.
   *
   * @param into filled from its start
   * @returns the part of `into` that was filled, or a new array
   * @throws Qwen3Error as {@link read}; `unsupported` for C64 and the floats of less than 8 bits
   */
  async readFloat32(name: string, into?: Float32Array): Promise<Float32Array> {
    const { dtype, byteLength } = this.#tensor(name);
    if (!isNumericDType(dtype)) {
      const problem = `tensor ${quote(name)} is ${dtype}, which has no float32 form here`;
      throw new Qwen3Error("unsupported", `${problem}; read() returns its bytes`);
    }
    const length = (byteLength * 8) / DTYPE_BITS[dtype];
    const values = into?.subarray(0, length) ?? new Float32Array(allocate(this.path, name, 4 * length));
    if (values.length < length) throw tooSmall(name, `${length} values`, values.length);
    if (dtype === "F32")
      await this.readRange(name, 0, new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
    else await this.#convert(name, dtype, values);
    return values;
  }

  /** Names the file's content, wherever the file lies: as {@link PositionedFile.identity}. */
  async identity(): Promise<string> {
    return await this.#file.identity();
  }

  /** Waits for reads in progress. Later reads are refused; a second call does nothing. */
  async close(): Promise<void> {
    await this.#file.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** Piece by piece, so that a tensor's stored bytes are never held beside all of its float32 values. */
  async #convert(name: string, dtype: NumericDType, into: Float32Array): Promise<void> {
    const { byteLength } = this.#tensor(name);
    const chunk = new Uint8Array(Math.min(CONVERSION_CHUNK, byteLength));
    for (let at = 0; at < byteLength; at += chunk.byteLength) {
      const stored = chunk.subarray(0, byteLength - at);
      await this.readRange(name, at, stored);
      toFloat32(stored, dtype, into.subarray((at * 8) / DTYPE_BITS[dtype]));
    }
  }

  #tensor(name: string): TensorInfo {
    const tensor = this.tensors.get(name);
    if (tensor) return tensor;
    throw new Qwen3Error("not-found", `${this.path} has no tensor ${quote(name)}; it has ${this.tensors.size} others`);
  }
}

/** The JSON's bytes. Nothing is allocated for a length that the file does not have, or for what cannot be a header. */
async function readHeader(file: PositionedFile): Promise<Uint8Array> {
  if (file.size < 10) throw damaged(file.path, `${file.size} bytes are too few for a safetensors file`);
  const start = new Uint8Array(9);
  await file.readInto(start, 0);
  const length = new DataView(start.buffer).getBigUint64(0, true);
  if (length > MAX_HEADER_BYTES || length > file.size - 8) {
    const most = Math.min(MAX_HEADER_BYTES, file.size - 8);
    throw damaged(
      file.path,
      `its first 8 bytes claim a header of ${length} bytes, expected at most ${most}; is it a safetensors file, and whole?`,
    );
  }
  // A long header is allocated only for a file that is long enough, and only once it can be one.
  if (start[8] !== 0x7b) throw damaged(file.path, `its header begins with byte 0x${hex(start[8])}, expected '{'`);
  const header = new Uint8Array(Number(length));
  await file.readInto(header, 8);
  return header;
}

function hex(byte: number | undefined): string {
  return (byte ?? 0).toString(16).padStart(2, "0");
}

function allocate(path: string, name: string, byteLength: number): ArrayBuffer {
  try {
    if (byteLength <= MAX_WHOLE_BYTES) return new ArrayBuffer(byteLength);
  } catch {
    // Out of memory, which is the same to the caller.
  }
  const advice = "read it in parts with readRange, or pass a buffer";
  throw new Qwen3Error("too-large", `${path}: tensor ${quote(name)} needs a buffer of ${byteLength} bytes; ${advice}`);
}

function tooSmall(name: string, needed: string, given: number): Qwen3Error {
  return new Qwen3Error(
    "invalid-argument",
    `tensor ${quote(name)} has ${needed}, the buffer given has room for ${given}`,
  );
}

function damaged(path: string, message: string, cause?: Error): Qwen3Error {
  return new Qwen3Error("invalid-checkpoint", `${path}: ${message}`, { cause });
}
