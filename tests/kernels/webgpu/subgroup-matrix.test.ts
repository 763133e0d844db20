import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { GpuDevice } from "../../../src/core/gpu/gpu-device.ts";
import { subgroupMatrixOf } from "../../../src/core/gpu/subgroup-matrix.ts";
import { EmbeddingModel } from "../../../src/index.ts";
import { matmulSubgroupMatrixKernel } from "../../../src/kernels/webgpu/matmul-kernels.ts";
import { readShader } from "../../../src/kernels/webgpu/shader-source.ts";
import type { WebGpuBackendOptions } from "../../../src/kernels/webgpu/webgpu-backend.ts";
import { subgroupMatrixTiles } from "../../../src/kernels/webgpu/subgroup-matrix-tiles.ts";
import { SUBGROUP_MATRICES, tilesFor } from "../../support/subgroup-matrices.ts";
import { webGpuTestBackend } from "../../support/webgpu.ts";

type AdapterInfo = Parameters<typeof subgroupMatrixOf>[0];

function infoWith(...configs: readonly (readonly [input: string, result: string, M: number])[]): AdapterInfo {
  const subgroupMatrixConfigs = configs.map(([componentType, resultComponentType, M]) => {
    return { componentType, resultComponentType, M, N: 8, K: 16 };
  });
  return { subgroupMaxSize: 32, subgroupMatrixConfigs } as unknown as AdapterInfo;
}

describe("matrix units", () => {
  it("are taken where they sum in float32: float32 inputs first, else the driver's first", () => {
    const narrow = infoWith(["f16", "f16", 1], ["u8", "u32", 2], ["f16", "f32", 3], ["f16", "f32", 4]);
    assert.deepEqual(subgroupMatrixOf(narrow), { input: "f16", rows: 3, columns: 8, depth: 16, lanes: 32 });
    const wide = infoWith(["f16", "f32", 3], ["f32", "f32", 4]);
    assert.deepEqual(subgroupMatrixOf(wide), { input: "f32", rows: 4, columns: 8, depth: 16, lanes: 32 });
    assert.equal(subgroupMatrixOf(infoWith(["f16", "f16", 1], ["i8", "i32", 2])), undefined);
    assert.equal(subgroupMatrixOf({} as AdapterInfo), undefined);
  });

  for (const unit of SUBGROUP_MATRICES) {
    const { input, rows, columns, depth, lanes } = unit;
    it(`have tiles for ${input} ${rows}×${columns}×${depth} by ${lanes} lanes, the first of them by rule`, () => {
      const tiles = tilesFor(unit);
      assert.equal(tiles[0]?.usualRows, Infinity);
      for (const { constants: own, tileRows, tileColumns } of tiles) {
        const across = Number(own["SUBGROUPS"]) / Number(own["SUBGROUP_ROWS"]);
        assert.equal(tileRows, Number(own["SUBGROUP_ROWS"]) * Number(own["ROWS"]) * rows);
        assert.equal(tileColumns, across * Number(own["COLUMNS"]) * columns);
        assert.equal((Number(own["DEPTH"]) * 4) % depth, 0);
      }
    });
  }

  it("have no tiles that fit no adapter, and are no software's rule", () => {
    const [, subgroupMatrix] = SUBGROUP_MATRICES;
    const limits = { maxComputeInvocationsPerWorkgroup: 256, maxComputeWorkgroupStorageSize: 16_384 };
    assert.deepEqual(subgroupMatrixTiles({ subgroupMatrix, adapter: { software: false }, limits }), []);
    const large = { ...limits, maxComputeWorkgroupStorageSize: 49_152 };
    const tiles = subgroupMatrixTiles({ subgroupMatrix, adapter: { software: true }, limits: large });
    assert.deepEqual(tiles.map(({ usualRows }) => usualRows), [0, 0]); // oxfmt-ignore
  });

  describe("of this adapter, if it has any", () => {
    let tile: string | undefined;
    let tuningFolder: string;
    before(async () => {
      tuningFolder = mkdtempSync(join(tmpdir(), "qwen3-matrices-"));
      const device = await GpuDevice.open({ allowSoftware: true });
      tile = subgroupMatrixTiles(device)[0]?.name;
      device.dispose();
    });
    after(() => rmSync(tuningFolder, { recursive: true }));

    /** What is said while a model is loaded whose kernel for matrix units is changed, and used. */
    async function warningsAfter(from: string, to: string, options: WebGpuBackendOptions): Promise<string[]> {
      const warnings: string[] = [];
      const { name } = matmulSubgroupMatrixKernel;
      const source = await readShader(name);
      assert.ok(source.includes(from));
      const backend = await webGpuTestBackend({
        kernels: { [name]: source.replace(from, to) },
        onWarning: (message) => warnings.push(message),
        ...options,
      });
      const model = await EmbeddingModel.load(undefined, { backend });
      assert.equal((await model.encode(["text"])).length, 1);
      await model.dispose();
      return warnings;
    }

    it("are left alone where the driver refuses the kernel", async () => {
      const options = { autotune: true, tuningBudget: 0, tuningFolder };
      const warnings = await warningsAfter("col_major", "some_major", options);
      assert.equal(warnings.length > 0, tile !== undefined);
      for (const warning of warnings) assert.match(warning, /matmul-subgroup-matrix .* does not compile/);
    });

    it("are left alone where only 11 bits of a value arrive", async () => {
      const options = tile === undefined ? {} : { tile };
      const warnings = await warningsAfter("PARTS == 1u || weightPart > 0u", "PARTS > 0u", options);
      assert.equal(warnings.length > 0, tile !== undefined);
      for (const warning of warnings) assert.match(warning, /'matmul-subgroup-matrix' computes wrong results/);
    });
  });
});
