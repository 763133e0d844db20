import { type FileHandle, mkdtemp, open, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Float32 arrays by name, in a temporary file that goes away with the store. */
export class ActivationStore implements AsyncDisposable {
  readonly #folder: string;
  readonly #file: FileHandle;
  readonly #places = new Map<string, { readonly position: number; readonly length: number }>();
  #end = 0;

  private constructor(folder: string, file: FileHandle) {
    this.#folder = folder;
    this.#file = file;
  }

  static async create(): Promise<ActivationStore> {
    const folder = await mkdtemp(join(tmpdir(), "qwen3-activations-"));
    return new ActivationStore(folder, await open(join(folder, "activations.f32"), "wx+"));
  }

  async put(name: string, data: Float32Array): Promise<void> {
    const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    await this.#file.write(bytes, 0, bytes.byteLength, this.#end);
    this.#places.set(name, { position: this.#end, length: data.length });
    this.#end += bytes.byteLength;
  }

  /** Empty for a name that was never put. */
  async get(name: string): Promise<Float32Array> {
    const { position, length } = this.#places.get(name) ?? { position: 0, length: 0 };
    const data = new Float32Array(length);
    await this.#file.read(new Uint8Array(data.buffer), 0, data.byteLength, position);
    return data;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#file.close();
    await rm(this.#folder, { recursive: true });
  }
}
