import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import type { GpuFeature } from "../../../src/core/gpu/adapter.ts";
import { GpuDevice } from "../../../src/core/gpu/gpu-device.ts";
import type { DecoderShape } from "../../../src/kernels/backend.ts";
import { GpuSession } from "../../../src/kernels/webgpu/gpu-session.ts";
import { type CheckedKernels, selfCheck } from "../../../src/kernels/webgpu/self-check.ts";
import { CausalModel, EmbeddingModel, Qwen3Error } from "../../../src/index.ts";
import type { WebGpuBackendOptions } from "../../../src/kernels/webgpu/webgpu-backend.ts";
import { cosine } from "../../support/close.ts";
import { fixture } from "../../support/fixtures.ts";
import { emptyWeights, SHAPES } from "../../support/rehearsed-shapes.ts";
import { webGpuTestBackend } from "../../support/webgpu.ts";

const MODEL = fixture("goldens/models/mini-embed");
const IDS = [1, 7, 40, 70].map((length) => Uint32Array.from({ length }, (_, i) => (i * 7) % 90));

/** A built-in kernel with one place changed. */
function broken(name: string, from: string, to: string): Record<string, string> {
  const source = readFileSync(fileURLToPath(import.meta.resolve(`#wgsl/${name}.wgsl`)), "utf8");
  assert.ok(source.includes(from), `${name} has no '${from}'`);
  return { [name]: source.replace(from, to) };
}

async function encode(options: WebGpuBackendOptions): Promise<{ vectors: Float32Array[]; warnings: string[] }> {
  const warnings: string[] = [];
  const backend = await webGpuTestBackend({ onWarning: (message) => warnings.push(message), ...options });
  try {
    const model = await EmbeddingModel.load(MODEL, { backend });
    const vectors: Float32Array[] = [];
    for (const ids of IDS) vectors.push(...(await model.encodeIds([ids])));
    return { vectors, warnings };
  } finally {
    await backend.dispose();
  }
}

describe("checking kernels when a model is loaded", () => {
  /** Of the attention kernel that every adapter can run, what is wrong in each is of a kind that compilers get wrong. */
  const subgroups = [
    broken("matmul-subgroup", "if (row < params.rows && column < params.columns) {", "if (row + 1u < params.rows && column < params.columns) {"),
    broken("attention-subgroup", "let next = max(largest[i],", "let next = min(largest[i],"),
  ]; // oxfmt-ignore

  for (const kernels of subgroups) {
    const [name = ""] = Object.keys(kernels);
    it(`does without a wrong ${name}, and says so`, async () => {
      const { vectors: expected, warnings: none } = await encode({});
      assert.deepEqual(none, []);
      const { vectors, warnings } = await encode({ kernels });
      for (const [i, vector] of vectors.entries()) assert.ok(cosine(vector, expected[i] ?? vector) > 1 - 1e-9, `${i}`);
      assert.ok(warnings.length > 0);
      for (const warning of warnings) assert.match(warning, new RegExp(`kernel '${name}' computes wrong results on '`));
    });

    it(`uses a wrong ${name} if told not to check`, async () => {
      const { vectors, warnings } = await encode({ kernels, selfCheck: false });
      const { vectors: expected } = await encode({});
      assert.deepEqual(warnings, []);
      assert.ok(vectors.some((vector, i) => !(cosine(vector, expected[i] ?? vector) > 1 - 1e-6)));
    });
  }

  /** One wrong line in every kernel that nothing can stand in for. */
  const only: readonly (readonly [name: string, from: string, to: string])[] = [
    ["attention", "mixed[i * COLUMNS + c] / max(total[i], LEAST)", "mixed[i * COLUMNS + c] / (total[i] + 0.01)"],
    ["rms-norm", "/ params.width + params.eps", "/ params.width + 0.01"],
    ["head-norm-rope", "second * c + first * s", "second * c - first * s"],
    ["normalize", "sqrt(partial[0])", "sqrt(partial[1])"],
    ["gather-rows", "places[row]", "places[row / 2u]"],
    ["embed", "packed.y << 16u", "packed.x << 16u"],
  ];
  for (const [name, from, to] of only) {
    it(`refuses an adapter whose ${name} is wrong, and names it`, async () => {
      await assert.rejects(encode({ kernels: broken(name, from, to), withoutFeatures: ["subgroups"] }), (error) => {
        assert.ok(error instanceof Qwen3Error);
        assert.equal(error.code, "device");
        assert.match(
          error.message,
          new RegExp(`kernel '${name}' computes wrong results on '.*no other kernel.*'wasm'`),
        );
        return true;
      });
    });
  }

  it("refuses an adapter where no product kernel is right", async () => {
    const kernels = {
      ...broken("matmul-tiled", "return v / (1.0", "return v / (1.001"),
      ...broken("matmul-subgroup", "let own = value.xz /", "let own = value.zx /"),
    };
    const withoutFeatures = ["chromium-experimental-subgroup-matrix"] as const;
    // Of the tiled kernel they leave the two tiles of the rule: each takes software adapters seconds to compile.
    const limits = { maxComputeInvocationsPerWorkgroup: 64, maxComputeWorkgroupStorageSize: 9216 };
    await assert.rejects(
      encode({ kernels, withoutFeatures, limits }),
      /kernel 'matmul-[a-z-]+' computes wrong results .*swiglu.*'wasm'/,
    );
  });

  it("notices a product in float16, which outliers leave", async () => {
    const narrow = "vec4f(unpack2x16float(pack2x16float(sum.xy)), unpack2x16float(pack2x16float(sum.zw)))";
    const kernels = broken(
      "matmul-tiled",
      "fn store(row: u32, column: u32, value: vec4f) {",
      `fn store(row: u32, column: u32, sum: vec4f) {\n  let value = ${narrow};`,
    );
    await assert.rejects(encode({ kernels, withoutFeatures: ["subgroups"] }), /kernel 'matmul-tiled' computes wrong/);
  });

  it("checks the choice of tokens where a model generates", async () => {
    const kernels = broken("top-k", "a.column < b.column", "a.column > b.column");
    const backend = await webGpuTestBackend({ kernels });
    await assert.rejects(CausalModel.load(fixture("goldens/models/mini-causal"), { backend }), /kernel 'top-k'/);
    await backend.dispose();
  });

  it("leaves no kernel out", async () => {
    const used = new Set<string>();
    for (const shape of SHAPES) {
      for (const withoutFeatures of [[], ["subgroups"]] as const) {
        const { needed, unchecked } = await checkAll(shape, withoutFeatures);
        assert.deepEqual(unchecked, []);
        for (const variant of needed) used.add(variant.split(" ")[0] ?? "");
      }
    }
    // Software adapters, which this may run on, do not choose them.
    const hardware = new Set(["matmul-few-rows-subgroup", "matmul-subgroup-matrix"]);
    const others = KERNELS.filter((name) => !hardware.has(name) && !used.has(name));
    assert.deepEqual(others, []);
  });
});

/** Checks what a generating model of this shape needs. */
async function checkAll(shape: DecoderShape, withoutFeatures: readonly GpuFeature[]): Promise<CheckedKernels> {
  const device = await GpuDevice.open({ allowSoftware: true, withoutFeatures });
  const session = new GpuSession(device);
  const weights = await emptyWeights(session, shape);
  try {
    return await selfCheck(session, weights, assert.fail);
  } finally {
    device.dispose();
  }
}

/** Every WGSL file there is. */
const KERNELS = readdirSync(fileURLToPath(new URL(".", import.meta.resolve("#wgsl/embed.wgsl")))).map((file) =>
  file.replace(/\.wgsl$/, ""),
);
