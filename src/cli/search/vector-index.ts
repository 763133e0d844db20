import { createHash, randomUUID } from "node:crypto";
import { mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Qwen3Error } from "../../core/errors.ts";

/**
 * The file, little-endian: magic, version u32, dimensions u32, count u32, the probe's vector f32 [dimensions], then per
 * vector the hash of its text [16] and the day it was last used u32, then the vectors f32 [count, dimensions], then
 * SHA-256 of all before.
 */
const MAGIC = Buffer.from("qwen3idx");
const VERSION = 1;
const HASH_BYTES = 16;
const HEADER_BYTES = MAGIC.length + 12;
const ENTRY_BYTES = HASH_BYTES + 4;
const CHECKSUM_BYTES = 32;
/** Vectors of texts that no search has met for so long are dropped at the next save. */
const KEPT_DAYS = 30;
/** Two runs of one model differ by rounding, at most some 1e-6; other weights, or the same as int8, by 1e-2 and more. */
const PROBE_TOLERANCE = 1e-4;

interface Entry {
  readonly vector: Float32Array;
  lastUsed: number;
}

/** Names a text in the index. */
export function textHash(text: string): string {
  return createHash("sha256").update(text).digest().subarray(0, HASH_BYTES).toString("hex");
}

/**
 * Vectors by the content of their text, for one model. Kept in one file that is only ever replaced as a whole, so that
 * several searches may run at once: the last one to finish leaves its vectors.
 */
export class VectorIndex {
  readonly #file: string | undefined;
  readonly #probe: Float32Array;
  readonly #entries = new Map<string, Entry>();
  readonly #today: number;
  #changed = false;

  private constructor(file: string | undefined, probe: Float32Array, today: number) {
    this.#file = file;
    this.#probe = probe;
    this.#today = today;
  }

  /**
   * Opens an index, or begins an empty one if there is none that can be used.
   *
   * @param file `undefined` keeps nothing
   * @param probe what the model makes of a fixed text: an index made by other weights or in another precision shows by it
   * @param onProblem told why a file that is there cannot be used; it is replaced at the next save
   */
  static async open(
    file: string | undefined,
    probe: Float32Array,
    onProblem: (reason: string) => void,
  ): Promise<VectorIndex> {
    const index = new VectorIndex(file, probe, Math.floor(Date.now() / 86_400_000));
    if (file === undefined) return index;
    try {
      index.#parse(await readFile(file));
    } catch (cause) {
      index.#entries.clear();
      if (!isMissing(cause)) onProblem(`${file}: ${cause instanceof Error ? cause.message : String(cause)}`);
    }
    return index;
  }

  get size(): number {
    return this.#entries.size;
  }

  get(hash: string): Float32Array | undefined {
    const entry = this.#entries.get(hash);
    if (entry === undefined) return undefined;
    // A save only for the day would rewrite the file at every day's first search; a tenth of the time kept is near enough.
    if (this.#today - entry.lastUsed > KEPT_DAYS / 10) this.#changed = true;
    entry.lastUsed = this.#today;
    return entry.vector;
  }

  set(hash: string, vector: Float32Array): void {
    this.#entries.set(hash, { vector, lastUsed: this.#today });
    this.#changed = true;
  }

  /** Writes what changed beside the file and moves it into place. Does nothing if nothing changed. */
  async save(): Promise<void> {
    if (this.#file === undefined || !this.#changed) return;
    const temporary = `${this.#file}.${randomUUID()}.tmp`;
    await mkdir(join(this.#file, ".."), { recursive: true });
    try {
      await writeFile(temporary, this.#serialize());
      await rename(temporary, this.#file);
    } catch (error) {
      await rm(temporary, { force: true });
      throw error;
    }
    this.#changed = false;
  }

  #parse(bytes: Buffer): void {
    if (!bytes.subarray(0, MAGIC.length).equals(MAGIC)) throw problem("not an index of qwen3 search");
    const version = bytes.length < HEADER_BYTES ? 0 : bytes.readUInt32LE(MAGIC.length);
    if (version !== VERSION) throw problem(`index version ${version}, this program writes ${VERSION}`);
    const dimensions = bytes.readUInt32LE(MAGIC.length + 4);
    const count = bytes.readUInt32LE(MAGIC.length + 8);
    const entriesAt = HEADER_BYTES + dimensions * 4;
    const vectorsAt = entriesAt + count * ENTRY_BYTES;
    const end = vectorsAt + count * dimensions * 4;
    if (bytes.length !== end + CHECKSUM_BYTES) throw problem(`${bytes.length} bytes, expected ${end + CHECKSUM_BYTES}`);
    if (!checksum(bytes.subarray(0, end)).equals(bytes.subarray(end))) throw problem("the checksum does not match");
    if (!isNear(this.#probe, floats(bytes.subarray(HEADER_BYTES, entriesAt)))) throw problem("made by another model");
    const vectors = floats(bytes.subarray(vectorsAt, end));
    for (let i = 0; i < count; i++) {
      const at = entriesAt + i * ENTRY_BYTES;
      const vector = vectors.subarray(i * dimensions, (i + 1) * dimensions);
      const lastUsed = bytes.readUInt32LE(at + HASH_BYTES);
      this.#entries.set(bytes.toString("hex", at, at + HASH_BYTES), { vector, lastUsed });
    }
  }

  #serialize(): Buffer {
    const kept = Array.from(this.#entries).filter(([, { lastUsed }]) => this.#today - lastUsed <= KEPT_DAYS);
    const dimensions = this.#probe.length;
    const header = Buffer.alloc(HEADER_BYTES);
    MAGIC.copy(header);
    for (const [i, field] of [VERSION, dimensions, kept.length].entries())
      header.writeUInt32LE(field, MAGIC.length + 4 * i);
    const entries = Buffer.alloc(kept.length * ENTRY_BYTES);
    const vectors = new Float32Array(kept.length * dimensions);
    for (const [i, [hash, { vector, lastUsed }]] of kept.entries()) {
      entries.write(hash, i * ENTRY_BYTES, "hex");
      entries.writeUInt32LE(lastUsed, i * ENTRY_BYTES + HASH_BYTES);
      vectors.set(vector, i * dimensions);
    }
    const body = Buffer.concat([header, bytesOf(this.#probe), entries, bytesOf(vectors)]);
    return Buffer.concat([body, checksum(body)]);
  }
}

function bytesOf(values: Float32Array): Uint8Array {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
}

/** A copy, because the file's bytes need not be aligned. */
function floats(bytes: Uint8Array): Float32Array {
  return new Float32Array(Uint8Array.from(bytes).buffer);
}

function isNear(a: Float32Array, b: Float32Array): boolean {
  return a.length === b.length && a.every((value, i) => Math.abs(value - (b[i] as number)) <= PROBE_TOLERANCE);
}

function checksum(bytes: Uint8Array): Buffer {
  return createHash("sha256").update(bytes).digest();
}

function problem(message: string): Qwen3Error {
  return new Qwen3Error("invalid-argument", message);
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "ENOENT";
}
