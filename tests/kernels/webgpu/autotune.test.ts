import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import type { WebGpuBackendOptions } from "../../../src/kernels/webgpu/webgpu-backend.ts";
import { ROW_BUCKETS } from "../../../src/kernels/webgpu/matmul-tiles.ts";
import type { TunedProduct } from "../../../src/kernels/webgpu/tuning-store.ts";
import { EmbeddingModel } from "../../../src/index.ts";
import { cosine } from "../../support/close.ts";
import { fixture, fixtureJson } from "../../support/fixtures.ts";
import { webGpuTestBackend } from "../../support/webgpu.ts";

const MODEL = fixture("goldens/models/mini-embed");
const IDS = [3, 40, 200].map((length) => Uint32Array.from({ length }, (_, i) => (i * 7) % 90));

/** Without subgroups, so that every adapter has the same tiles; time for one product. */
const OPTIONS: WebGpuBackendOptions = { withoutFeatures: ["subgroups"], tuningBudget: 0 };

describe("timing matrix products", () => {
  let tuningFolder: string;
  let untuned: Float32Array[];
  before(async () => {
    tuningFolder = mkdtempSync(join(tmpdir(), "qwen3-tuning-"));
    ({ vectors: untuned } = await encode({ autotune: false }));
  });
  after(() => rmSync(tuningFolder, { recursive: true }));

  /** Vectors, and the kernels that products were computed with. */
  async function encode(options: WebGpuBackendOptions): Promise<{ vectors: Float32Array[]; variants: Set<string> }> {
    const backend = await webGpuTestBackend({ ...OPTIONS, tuningFolder, ...options });
    const model = await EmbeddingModel.load(MODEL, { backend });
    const vectors: Float32Array[] = [];
    const times = await backend.profile(async () => {
      for (const ids of IDS) vectors.push(...(await model.encodeIds([ids])));
    });
    await model.dispose();
    return {
      vectors,
      variants: new Set(times.map(({ variant }) => variant).filter((name) => name.includes("matmul"))),
    };
  }

  function assertSame(vectors: readonly Float32Array[]): void {
    for (const [i, vector] of vectors.entries()) assert.ok(cosine(vector, untuned[i] ?? vector) > 1 - 1e-9);
  }

  const file = (): string => join(tuningFolder, readdirSync(tuningFolder)[0] ?? "");
  const read = (): Stored => JSON.parse(readFileSync(file(), "utf8")) as Stored;

  it("goes on where the last one ran out of time, and results stay what they were", async () => {
    for (const count of [1, 2]) {
      assertSame((await encode({ autotune: true })).vectors);
      assert.equal(read().products.length, count);
    }
    assert.equal(read().products[0]?.rows, null, "large batches first");
  });

  it("does without a tile that does not compile", async () => {
    const warnings: string[] = [];
    const kernels = { "matmul-few-rows": "no shader" };
    const onWarning = (message: string): void => void warnings.push(message);
    const { vectors, variants } = await encode({ autotune: true, kernels, onWarning });
    assertSame(vectors);
    assert.ok([...variants].every((variant) => variant.startsWith("matmul-tiled")));
    assert.ok(warnings.length > 0);
    assert.ok(warnings.every((warning) => /matmul-few-rows.*another kernel takes its place/s.test(warning)));
    rmSync(tuningFolder, { recursive: true }); // timings are kept by the kernels' sources
    await encode({ autotune: true });
  });

  it("takes the tiles that the store names, and times nothing that is there", async () => {
    const { key } = read();
    const content = JSON.stringify({ key, products: everywhere("tiled 16x128x16") });
    writeFileSync(file(), content);
    const { vectors, variants } = await encode({ autotune: true });
    assertSame(vectors);
    for (const variant of variants) assert.match(variant, /threadColumns=16 threadRows=4/);
    assert.equal(readFileSync(file(), "utf8"), content);

    const { variants: byRule } = await encode({ autotune: false });
    for (const variant of byRule) assert.doesNotMatch(variant, /threadColumns=16 threadRows=4/);
  });

  it("begins anew where the store is damaged or names tiles that are gone", async () => {
    const { key } = read();
    for (const damage of [
      "{",
      JSON.stringify({
        key,
        products: everywhere("no such tile")
          .filter(({ rows }) => rows === null)
          .slice(0, 1),
      }),
    ]) {
      writeFileSync(file(), damage);
      assertSame((await encode({ autotune: true })).vectors);
      assert.doesNotMatch(readFileSync(file(), "utf8"), /no such tile/);
      assert.equal(read().products.length, 1);
    }
  });

  it("times by the clock where the adapter has no timestamps, and needs no store", async () => {
    const notAFolder = join(tuningFolder, "a-file");
    writeFileSync(notAFolder, "");
    const backend = await webGpuTestBackend({
      withoutFeatures: ["subgroups", "timestamp-query"],
      autotune: true,
      tuningBudget: 0,
      tuningFolder: notAFolder,
    });
    const model = await EmbeddingModel.load(MODEL, { backend });
    const vectors: Float32Array[] = [];
    for (const ids of IDS) vectors.push(...(await model.encodeIds([ids])));
    await model.dispose();
    assertSame(vectors);
  });
});

interface Stored {
  readonly key: unknown;
  readonly products: readonly { readonly rows: number | null; readonly tile: string }[];
}

type SizeName = `${"hidden" | "intermediate"}_size` | `num_${"attention" | "key_value"}_heads` | "head_dim";

/** A store's entries that give every product of the model the same tile. */
function everywhere(tile: string): TunedProduct[] {
  const { hidden_size, intermediate_size, num_attention_heads, num_key_value_heads, head_dim } = fixtureJson<
    Record<SizeName, number>
  >("goldens/models/mini-embed/config.json");
  const queryWidth = num_attention_heads * head_dim;
  const sizes = [
    [queryWidth + 2 * num_key_value_heads * head_dim, hidden_size],
    [hidden_size, queryWidth],
    [2 * intermediate_size, hidden_size],
    [hidden_size, intermediate_size],
  ] as const;
  return sizes.flatMap(([columns, depth]) =>
    ROW_BUCKETS.map(({ most }) => {
      return { columns, depth, dtype: "BF16" as const, rows: most === Infinity ? null : most, tile };
    }),
  );
}
