import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { GpuDevice } from "../../../src/core/gpu/gpu-device.ts";
import { MatmulPlanner } from "../../../src/kernels/webgpu/matmul-planner.ts";
import { matmulTiles, ROW_BUCKETS, rowBucket } from "../../../src/kernels/webgpu/matmul-tiles.ts";

const product = { columns: 1024, depth: 512 };

describe("the choice of matrix product kernels", () => {
  let device: GpuDevice;
  before(async () => {
    device = await GpuDevice.open({ allowSoftware: true });
  });
  after(() => device.dispose());

  it("has tiles of at least three sizes, each with a name of its own", () => {
    const tiles = matmulTiles(device);
    assert.equal(new Set(tiles.map(({ name }) => name)).size, tiles.length);
    assert.ok(new Set(tiles.map(({ tileRows, tileColumns }) => tileRows * tileColumns)).size >= 3);
  });

  it("leaves out what does not fit the adapter", async () => {
    const limits = { maxComputeInvocationsPerWorkgroup: 64, maxComputeWorkgroupStorageSize: 8192 };
    const small = await GpuDevice.open({ allowSoftware: true, withoutFeatures: ["subgroups"], limits });
    const names = matmulTiles(small).map(({ name }) => name);
    small.dispose();
    assert.ok(names.includes("tiled 32x64x16") && !names.includes("tiled 128x128x8"), names.join());
  });

  it("puts every number of rows in one bucket that its sample is in too", () => {
    for (const [i, { most, sample }] of ROW_BUCKETS.entries()) {
      assert.equal(rowBucket(sample), i);
      if (most !== Infinity) assert.deepEqual([rowBucket(most), rowBucket(most + 1)], [i, i + 1]);
    }
    assert.equal(rowBucket(1e6), ROW_BUCKETS.length - 1);
  });

  it("takes what was timed for the most similar product, in its bucket alone", () => {
    const planner = new MatmulPlanner(device);
    const [, second, third] = planner.tiles;
    assert.ok(second && third);
    const untimed = planner.choose({ rows: 17, ...product });
    planner.learn(product, rowBucket(100), second);
    planner.learn({ columns: 4096, depth: 512 }, rowBucket(100), third);
    assert.equal(planner.choose({ rows: 100, ...product }), second);
    assert.equal(planner.choose({ rows: 512, columns: 900, depth: 512 }), second);
    assert.equal(planner.choose({ rows: 65, columns: 3000, depth: 600 }), third);
    assert.equal(planner.choose({ rows: 17, ...product }), untimed);
  });

  it("never takes what it was told to distrust, but for the last tile", () => {
    const planner = new MatmulPlanner(device);
    const [first, ...others] = planner.tiles;
    assert.ok(first);
    for (const tile of others) planner.learn(product, rowBucket(100), tile);
    for (const { kernel, constants } of others) assert.ok(planner.distrust({ kernel, constants: { ...constants } }));
    for (const rows of [1, 100, 5000]) assert.equal(planner.choose({ rows, ...product }), first);
    assert.ok(planner.distrust(first));
    assert.equal(planner.choose({ rows: 100, ...product }), first);
    assert.ok(!planner.distrust({ kernel: { name: "other", bindings: {}, params: {} }, constants: {} }));
  });
});
