import { createHash, randomUUID } from "node:crypto";
import { mkdir, open, readdir, readFile, rename, rm, stat, statfs } from "node:fs/promises";
import { join } from "node:path";
import { cacheFolder } from "../../core/cache-folder.ts";
import type { MatrixSource } from "../backend.ts";
import type { DotProduct } from "./dot-product.ts";
import type { SimdLevel } from "./features.ts";
import { kernelFile } from "./modules.ts";

/** Before the weights: these bytes, the SHA-256 of what they were made from, and that of their checksums. */
const MAGIC = Buffer.from("q3int8\0\x01", "latin1");
const HASH_BYTES = 32;
const HEAD_BYTES = MAGIC.length + 2 * HASH_BYTES;
/** How the names of files end that are being written. */
const PART = ".part";
/** Smaller matrices are rounded faster than files are opened. */
const LEAST_BYTES = 2 ** 20;
/** After so many milliseconds, what is still a part was left by a process that ended while it wrote. */
const ABANDONED_AFTER = 3_600_000;
/** Left free on the disk. */
const SPARE_BYTES = 2 ** 30;

/**
 * Weights in eight bits, kept on disk between runs: a file for each matrix. It is named by a hash of the matrix' content,
 * as the checkpoint identifies it, and of the code that rounded it, so a file is never out of date, only no longer used.
 * A file that is not whole is not used, and one that cannot be written is not missed.
 */
export class QuantizedCache {
  readonly #folder: string;
  readonly #version: string;
  readonly #waiting: (() => Promise<void>)[] = [];
  #writes: Promise<unknown> = Promise.resolve();

  /** @param version differs wherever the same weights would be rounded to other bytes */
  constructor(folder: string, version: string) {
    this.#folder = folder;
    this.#version = version;
  }

  /** Where a matrix of `bytes` is or will be; `undefined` where it is not worth it, or nobody knows its content. */
  async entry(source: MatrixSource, bytes: number): Promise<CacheEntry | undefined> {
    if (bytes < LEAST_BYTES) return undefined;
    const identity = await source.identity?.();
    if (identity === undefined) return undefined;
    const key = sha256(JSON.stringify([this.#version, identity, source.rows, source.columns, source.dtype]));
    const file = join(this.#folder, `${source.name.replaceAll(/[^\w.]/g, "_")}-${key.toString("hex").slice(0, 32)}.q8`);
    return new CacheEntry(file, key);
  }

  /** Keeps in mind that an entry is to be written. */
  add(entry: CacheEntry, weights: Uint8Array, checksums: Uint8Array): void {
    this.#waiting.push(() => this.#write(entry, weights, checksums));
  }

  /** Writes what was added, one after the other: for when the machine has nothing better to do than during a load. */
  async write(): Promise<void> {
    if (this.#waiting.length > 0) this.#writes = this.#writes.then(() => removeAbandoned(this.#folder)).catch(() => {});
    for (const write of this.#waiting.splice(0)) this.#writes = this.#writes.then(write).catch(() => {});
    await this.#writes;
  }

  /** Waits for what is being written; what was only added is left out. */
  async close(): Promise<void> {
    this.#waiting.length = 0;
    await this.#writes;
  }

  async #write(entry: CacheEntry, weights: Uint8Array, checksums: Uint8Array): Promise<void> {
    await mkdir(this.#folder, { recursive: true });
    const { bavail, bsize } = await statfs(this.#folder);
    if (bavail * bsize < weights.byteLength + SPARE_BYTES) return;
    await entry.write(weights, checksums);
  }
}

async function removeAbandoned(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    if (!name.endsWith(PART)) continue;
    const { mtimeMs } = await stat(join(folder, name));
    if (Date.now() - mtimeMs > ABANDONED_AFTER) await rm(join(folder, name), { force: true });
  }
}

/** Where eight-bit weights are kept, and how many bytes they take. */
export async function quantizedCacheUse(): Promise<{ readonly folder: string; readonly bytes: number }> {
  const folder = quantizedFolder();
  const names = await readdir(folder).catch(() => []);
  const sizes = await Promise.all(names.map(async (name) => (await stat(join(folder, name)).catch(() => undefined))?.size ?? 0)); // oxfmt-ignore
  return { folder, bytes: sizes.reduce((sum, size) => sum + size, 0) };
}

function quantizedFolder(): string {
  return join(cacheFolder(), "int8");
}

/** One matrix of the cache. */
export class CacheEntry {
  readonly #file: string;
  readonly #key: Buffer;
  #checksumsHash = Buffer.alloc(0);

  constructor(file: string, key: Buffer) {
    this.#file = file;
    this.#key = key;
  }

  /** Fills `into` from the file. False where there is none, or it has another length or another origin. */
  async read(into: Uint8Array): Promise<boolean> {
    try {
      await using file = await open(this.#file);
      const { size } = await file.stat();
      if (size !== HEAD_BYTES + into.byteLength) return false;
      const head = Buffer.alloc(HEAD_BYTES);
      await file.read(head, 0, HEAD_BYTES, 0);
      if (!head.subarray(0, -HASH_BYTES).equals(Buffer.concat([MAGIC, this.#key]))) return false;
      this.#checksumsHash = head.subarray(-HASH_BYTES);
      for (let done = 0; done < into.byteLength;) {
        const { bytesRead } = await file.read(into, done, into.byteLength - done, HEAD_BYTES + done);
        if (bytesRead === 0) return false;
        done += bytesRead;
      }
      return true;
    } catch {
      return false;
    }
  }

  /** Whether what was read is what was written. */
  matches(checksums: Uint8Array): boolean {
    return sha256(checksums).equals(this.#checksumsHash);
  }

  /** Whole or not at all: another process may read it meanwhile. */
  async write(weights: Uint8Array, checksums: Uint8Array): Promise<void> {
    const part = `${this.#file}.${randomUUID()}${PART}`;
    try {
      await using file = await open(part, "wx");
      await file.writev([Buffer.concat([MAGIC, this.#key, sha256(checksums)])]);
      await file.writeFile(weights);
      await rename(part, this.#file);
    } catch (error) {
      await rm(part, { force: true });
      throw error;
    }
  }
}

/** In the user's cache folder, for one build of the kernel that rounds. */
export async function openQuantizedCache(level: SimdLevel, { activationOffset }: DotProduct): Promise<QuantizedCache> {
  const code = sha256(await readFile(kernelFile("quantize-weights", level))).toString("hex");
  return new QuantizedCache(quantizedFolder(), `${code} ${activationOffset}`);
}

function sha256(data: string | Uint8Array): Buffer {
  return createHash("sha256").update(data).digest();
}
