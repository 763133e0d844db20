import { Qwen3Error } from "../../core/errors.ts";
import type { GpuDevice } from "../../core/gpu/gpu-device.ts";
import { type KernelVariant, variantKey } from "./kernel.ts";
import { type MatmulTile, matmulTiles, rowBucket } from "./matmul-tiles.ts";

/** What decides which matrix product kernel is best. */
export interface MatmulShape {
  readonly rows: number;
  readonly columns: number;
  readonly depth: number;
}

export type MatmulChooser = Pick<MatmulPlanner, "choose">;

/** Columns and depth of a product for whose row buckets tiles were timed. */
export type Product = Pick<MatmulShape, "columns" | "depth">;

interface Timed {
  readonly product: Product;
  readonly bucket: number;
  readonly tile: MatmulTile;
}

/** Choices remembered; every number of tokens is a shape of its own. */
const MOST_CHOSEN = 4096;

/** Chooses a kernel for each product: what was timed fastest, else what is usually best. */
export class MatmulPlanner {
  /** Whatever this device can run; the first runs everywhere. */
  readonly tiles: readonly MatmulTile[];
  readonly #preferred: MatmulTile | undefined;
  readonly #timed: Timed[] = [];
  readonly #faulty = new Set<MatmulTile>();
  /** By shape: a batch asks for hundreds of products of a few shapes. */
  readonly #chosen = new Map<string, MatmulTile>();

  /**
   * @param preferred name of a tile to use wherever it can be
   * @throws Qwen3Error `invalid-argument` if this device has no tile of that name
   */
  constructor(device: GpuDevice, preferred?: string) {
    this.tiles = matmulTiles(device);
    if (preferred === undefined) return;
    this.#preferred = this.tiles.find(({ name }) => name === preferred);
    if (!this.#preferred) {
      const names = this.tiles.map(({ name }) => `'${name}'`).join(", ");
      throw new Qwen3Error("invalid-argument", `no matrix product tile '${preferred}'; this adapter has ${names}`);
    }
  }

  /** The tiles that can compute a product, and compute right. */
  candidates({ rows, depth }: Omit<MatmulShape, "columns">): MatmulTile[] {
    const padded = Math.ceil(depth / 4) * 4;
    return this.tiles.filter(
      (tile) => !this.#faulty.has(tile) && rows <= (tile.mostRows ?? Infinity) && padded % (tile.depthStep ?? 4) === 0,
    );
  }

  /** The tile to use for products like this one. */
  learn(product: Product, bucket: number, tile: MatmulTile): void {
    this.#timed.push({ product, bucket, tile });
    this.#chosen.clear();
  }

  /** Never chooses a variant's tile again, unless it is the last for any number of rows. @returns whether it is a tile's */
  distrust(variant: KernelVariant): boolean {
    const tile = this.tileOf(variant);
    if (tile && this.candidates({ rows: Infinity, depth: 1 }).some((other) => other !== tile)) this.#faulty.add(tile);
    this.#chosen.clear();
    return tile !== undefined;
  }

  /** The tile that a variant's constants stand for, apart from the weights' dtype and the epilogue. */
  tileOf({
    kernel,
    constants: { weightType: _dtype, epilogue: _epilogue, ...own },
  }: KernelVariant): MatmulTile | undefined {
    const key = variantKey({ kernel, constants: own });
    return this.tiles.find((tile) => variantKey(tile) === key);
  }

  choose(shape: MatmulShape): MatmulTile {
    const key = `${shape.rows} ${shape.columns} ${shape.depth}`;
    const known = this.#chosen.get(key);
    if (known) return known;
    if (this.#chosen.size >= MOST_CHOSEN) this.#chosen.clear();
    const tile = this.#choose(shape);
    this.#chosen.set(key, tile);
    return tile;
  }

  #choose(shape: MatmulShape): MatmulTile {
    const candidates = this.candidates(shape);
    if (this.#preferred && candidates.includes(this.#preferred)) return this.#preferred;
    const bucket = rowBucket(shape.rows);
    const timed = this.#fastest(shape, bucket, candidates) ?? this.#fastest(shape, bucket - 1, candidates);
    return timed ?? this.usual(shape);
  }

  /** What is taken where nothing was timed. */
  usual(shape: Omit<MatmulShape, "columns">): MatmulTile {
    const { rows } = shape;
    const candidates = this.candidates(shape);
    let best = candidates[0];
    let least = Infinity;
    for (const tile of candidates) {
      const { usualRows = 0 } = tile;
      if (usualRows < rows || usualRows > least) continue;
      best = tile;
      least = usualRows;
    }
    if (!best) throw new RangeError(`no matrix product kernel is left for ${rows} rows`);
    return best;
  }

  /** Of the products timed with as many rows the one most alike: a model's layers need parts of their matrices too. */
  #fastest(shape: Product, bucket: number, candidates: readonly MatmulTile[]): MatmulTile | undefined {
    let best: Timed | undefined;
    let least = Infinity;
    for (const timed of this.#timed) {
      const distance = unlikeness(timed.product, shape);
      if (timed.bucket !== bucket || distance >= least || !candidates.includes(timed.tile)) continue;
      best = timed;
      least = distance;
    }
    return best?.tile;
  }
}

/** How many times larger or smaller, both ways. */
function unlikeness(a: Product, b: Product): number {
  return Math.abs(Math.log(a.columns / b.columns)) + Math.abs(Math.log(a.depth / b.depth));
}
