import { randomUUID } from "node:crypto";
import { existsSync } from "node:fs";
import { copyFile, mkdir, readFile, rename, rm, symlink, writeFile } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import { isCommit } from "./cache.ts";
import { noExistFolder } from "./model-files.ts";

/**
 * Makes a blob appear in a snapshot: by a relative link, as Python's library makes them, and where there are no links
 * by moving it there, or copying it if the blob was there before.
 */
export async function placeBlob(
  blob: string,
  pointer: string,
  options: { readonly links: boolean; readonly isNew: boolean },
): Promise<void> {
  if (existsSync(pointer)) return;
  await mkdir(dirname(pointer), { recursive: true });
  await rm(pointer, { force: true }); // a link to nothing
  if (options.links && (await tryLink(relative(dirname(pointer), blob), pointer))) return;
  if (options.isNew) return rename(blob, pointer);
  const copy = `${pointer}.${randomUUID().slice(0, 8)}.tmp`;
  await copyFile(blob, copy);
  await rename(copy, pointer);
}

async function tryLink(target: string, pointer: string): Promise<boolean> {
  try {
    await symlink(target, pointer);
    return true;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "EEXIST") return true; // another process was faster
    // Windows without developer mode, and file systems such as FAT.
    if (code === "EPERM" || code === "ENOSYS" || code === "EOPNOTSUPP" || code === "ENOTSUP") return false;
    throw error;
  }
}

/** Records which commit a branch or tag is; readers see the old one or the new one, whole. */
export async function writeRef(repo: string, revision: string, commit: string): Promise<void> {
  if (isCommit(revision)) return;
  const path = join(repo, "refs", revision);
  if ((await readFile(path, "utf8").catch(() => undefined)) === commit) return;
  await mkdir(dirname(path), { recursive: true });
  const temporary = `${path}.${randomUUID().slice(0, 8)}.tmp`;
  await writeFile(temporary, commit);
  await rename(temporary, path);
}

/** Records that a commit does not have these files, as Python's library does. */
export async function recordAbsent(repo: string, commit: string, paths: readonly string[]): Promise<void> {
  for (const path of paths) {
    const marker = join(noExistFolder(repo, commit), path);
    await mkdir(dirname(marker), { recursive: true });
    await writeFile(marker, "");
  }
}
