/** Where the fixtures of this folder's tests are, and temporary places for those that are made on the fly. */
import { createHash } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fixture } from "../support/fixtures.ts";

export const goldens: string = fixture("goldens");

/** A folder that is gone when it leaves the scope (`await using`). */
export async function temporaryFolder(): Promise<AsyncDisposable & { readonly path: string }> {
  const path = await mkdtemp(join(tmpdir(), "qwen3-weights-"));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}

/** The bytes of a safetensors file with this header text. */
export function pack(header: string | Buffer | object, data: Uint8Array = new Uint8Array()): Uint8Array {
  const json = Buffer.isBuffer(header)
    ? header
    : Buffer.from(typeof header === "string" ? header : JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(json.byteLength));
  return Buffer.concat([length, json, data]);
}

export async function packTo(path: string, header: string | object, data?: Uint8Array): Promise<string> {
  await writeFile(path, pack(header, data));
  return path;
}

export function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}
