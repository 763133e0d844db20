import { randomUUID } from "node:crypto";
import { open, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { Qwen3Error } from "../core/errors.ts";
import type { Context } from "./context.ts";

/** Writes to a file, which appears when it is whole, or to standard output. */
export async function writeOutput(
  file: string | undefined,
  chunks: AsyncIterable<string | Uint8Array>,
  { stdout }: Context,
): Promise<void> {
  if (file === undefined || file === "-") {
    for await (const chunk of chunks) {
      if (!stdout.write(chunk)) await new Promise((resolve) => stdout.once("drain", resolve));
    }
    return;
  }
  const temporary = `${file}.${randomUUID()}.tmp`;
  try {
    const handle = await open(temporary, "w");
    try {
      for await (const chunk of chunks) await handle.write(chunk as Uint8Array);
    } finally {
      await handle.close();
    }
    await rename(temporary, file);
  } catch (error) {
    await rm(temporary, { force: true });
    if (!(error instanceof Error && "code" in error && error.code === "ENOENT")) throw error;
    throw new Qwen3Error("not-found", `${file} cannot be written: there is no folder ${dirname(file)}`, {
      cause: error,
    });
  }
}
