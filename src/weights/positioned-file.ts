import { createHash } from "node:crypto";
import type { FileHandle } from "node:fs/promises";
import { open, stat } from "node:fs/promises";
import { Qwen3Error } from "../core/errors.ts";

/** One system call moves at most 2 GiB; shorter ones also let other readers of the disk in between. */
const MAX_BYTES_PER_CALL = 2 ** 28;

/** How much of a file tells it from others: a header of the 0.6B model has 34 KB. */
const SAMPLES = 64;
const SAMPLE_BYTES = 2 ** 16;

/** A file that is read by position into memory of the caller's choice. */
export class PositionedFile {
  readonly path: string;
  /** Bytes, when it was opened. */
  readonly size: number;
  readonly #handle: FileHandle;
  #closing: Promise<void> | undefined;
  #identity: Promise<string> | undefined;

  private constructor(path: string, size: number, handle: FileHandle) {
    this.path = path;
    this.size = size;
    this.#handle = handle;
  }

  /** @throws Qwen3Error `not-found` or `invalid-checkpoint` */
  static async open(path: string): Promise<PositionedFile> {
    try {
      // Asked before opening: opening a pipe waits for a writer.
      const { size } = regularFile(path, await stat(path));
      return new PositionedFile(path, size, await open(path, "r"));
    } catch (error) {
      throw fileError(path, error);
    }
  }

  /** Fills `into` from `position` on. Reads may run at the same time. */
  async readInto(into: Uint8Array, position: number): Promise<void> {
    if (this.#closing) throw new Qwen3Error("disposed", `${this.path} was closed; open it again to read from it`);
    for (let done = 0; done < into.byteLength;) {
      const target = into.subarray(done, done + MAX_BYTES_PER_CALL);
      const { bytesRead } = await this.#handle.read(target, 0, target.byteLength, position + done);
      if (bytesRead === 0) throw this.#shrunk(position + done, into.byteLength - done);
      done += bytesRead;
    }
  }

  /**
   * Names the content without reading all of it: a hash of the size, the time of the last change to the nanosecond, the
   * beginning (a safetensors header, with the place of every tensor) and samples of the rest. Whatever changes the file
   * changes its time; a file that was given another's time has other samples.
   */
  identity(): Promise<string> {
    this.#identity ??= this.#makeIdentity();
    return this.#identity;
  }

  async #makeIdentity(): Promise<string> {
    const { mtimeNs } = await this.#handle.stat({ bigint: true });
    const hash = createHash("sha256").update(`${this.size} ${mtimeNs} `);
    const sample = new Uint8Array(Math.min(SAMPLE_BYTES, this.size));
    for (let i = 0; i < SAMPLES; i++) {
      await this.readInto(sample, Math.floor(((this.size - sample.length) * i) / (SAMPLES - 1)));
      hash.update(sample);
    }
    return hash.digest("hex");
  }

  /** Waits for reads in progress. A second call does nothing. */
  async close(): Promise<void> {
    this.#closing ??= this.#handle.close();
    await this.#closing;
  }

  #shrunk(position: number, wanted: number): Qwen3Error {
    const detail = `it had ${this.size} bytes when it was opened, and now ends before byte ${position} (${wanted} more wanted)`;
    return new Qwen3Error("invalid-checkpoint", `${this.path} changed while it was in use: ${detail}; load it again`);
  }
}

function regularFile<T extends { isFile(): boolean; isDirectory(): boolean }>(path: string, stats: T): T {
  if (stats.isFile()) return stats;
  const what = stats.isDirectory() ? "a folder" : "a device or a pipe";
  throw new Qwen3Error("invalid-checkpoint", `${path} is ${what}, expected a file`);
}

/** What the operating system said, as an error of this library that names the path. */
export function fileError(path: string, error: unknown): Qwen3Error {
  if (error instanceof Qwen3Error) return error;
  const code = (error as NodeJS.ErrnoException).code ?? String(error);
  if (code === "ENOENT" || code === "ENOTDIR")
    return new Qwen3Error("not-found", `${path} does not exist`, { cause: error });
  return new Qwen3Error("not-found", `${path} cannot be read (${code})`, { cause: error });
}
