import { createHash, randomUUID } from "node:crypto";
import { mkdir, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { cacheFolder } from "../../core/cache-folder.ts";
import type { WeightDType } from "../../core/dtype.ts";

/** Where timings are kept if nobody says otherwise. */
export function tuningFolder(): string {
  return join(cacheFolder(), "webgpu-tiles");
}

/** What a measurement holds for. Another driver, another Dawn or other kernels make it worthless. */
export interface TuningKey {
  readonly adapter: string;
  readonly vendor: string;
  readonly architecture: string;
  readonly driver: string;
  /** Version of the npm package `webgpu`. */
  readonly dawn: string;
  /** Hash of the kernels' sources and constants. */
  readonly kernels: string;
}

/** The fastest tile for a product and a bucket of rows. */
export interface TunedProduct {
  readonly columns: number;
  readonly depth: number;
  readonly dtype: WeightDType;
  /** Most rows of the bucket; `null` where there is no most. */
  readonly rows: number | null;
  /** Its name in matmul-tiles.ts. */
  readonly tile: string;
}

/**
 * Measurements of one adapter in one small JSON file. Losing them costs a second of timing, so nothing that is wrong with
 * the file or its folder is an error: what cannot be read is measured again, what cannot be written is forgotten.
 */
export class TuningStore {
  readonly #key: TuningKey;
  readonly #folder: string;

  constructor(folder: string, key: TuningKey) {
    this.#folder = folder;
    this.#key = key;
  }

  get file(): string {
    const hash = createHash("sha256").update(JSON.stringify(sorted(this.#key)));
    return join(this.#folder, `${hash.digest("hex").slice(0, 16)}.json`);
  }

  async read(): Promise<TunedProduct[]> {
    const { key, products } = parsed(await readFile(this.file, "utf8").catch(() => ""));
    if (JSON.stringify(key) !== JSON.stringify(sorted(this.#key))) return [];
    return Array.isArray(products) ? products.filter(isTunedProduct) : [];
  }

  /** Replaces the file at once and whole: other processes see the old one or the new one. */
  async write(products: readonly TunedProduct[]): Promise<void> {
    const partial = `${this.file}.${randomUUID()}`;
    try {
      await mkdir(this.#folder, { recursive: true });
      await writeFile(partial, `${JSON.stringify({ key: sorted(this.#key), products }, null, 2)}\n`);
      await rename(partial, this.file);
    } catch {
      await rm(partial, { force: true }).catch(() => {});
    }
  }
}

/** How many products were timed with a driver and any kernels. Dawn has two names for one adapter, so they do not count. */
export async function countTuned(
  folder: string,
  { vendor, driver }: Pick<TuningKey, "vendor" | "driver">,
): Promise<number> {
  let count = 0;
  for (const file of await readdir(folder).catch(() => [])) {
    const text = await readFile(join(folder, file), "utf8").catch(() => "");
    const { key, products } = parsed(text);
    if (isRecord(key) && key["vendor"] === vendor && key["driver"] === driver && Array.isArray(products)) {
      count += products.filter(isTunedProduct).length;
    }
  }
  return count;
}

function parsed(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    return isRecord(value) ? value : {};
  } catch {
    return {};
  }
}

/** Whoever writes the key's members in another order means the same. */
function sorted({ adapter, vendor, architecture, driver, dawn, kernels }: TuningKey): TuningKey {
  return { adapter, vendor, architecture, driver, dawn, kernels };
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}

function isTunedProduct(value: unknown): value is TunedProduct {
  if (!isRecord(value)) return false;
  const { columns, depth, dtype, rows, tile } = value;
  const names = [dtype, tile].every((name) => typeof name === "string");
  return names && [columns, depth, rows ?? 0].every((size) => Number.isSafeInteger(size));
}
