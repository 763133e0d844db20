import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { after, before, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import type * as Reflection from "wgsl_reflect";
import { GpuDevice } from "../../../src/core/gpu/gpu-device.ts";
import { type Access, type Kernel, type KernelVariant, variantKey } from "../../../src/kernels/webgpu/kernel.ts";
import { EPILOGUE } from "../../../src/kernels/webgpu/matmul.ts";
import { type MatmulTile, matmulTiles } from "../../../src/kernels/webgpu/matmul-tiles.ts";
import { PipelineCache } from "../../../src/kernels/webgpu/pipeline-cache.ts";
import { specialize } from "../../../src/kernels/webgpu/shader-source.ts";
import { WEIGHT_TYPE } from "../../../src/kernels/webgpu/weight-type.ts";
import { rehearseShape, SHAPES } from "../../support/rehearsed-shapes.ts";
import { SUBGROUP_MATRICES, tilesFor } from "../../support/subgroup-matrices.ts";

// The package's main file is CommonJS under an ESM manifest, which Node cannot load; the file beside it can be.
const moduleFile: string = "wgsl_reflect/wgsl_reflect.module.js";
const { WgslReflect } = (await import(moduleFile)) as typeof Reflection;

/** WebGPU's guaranteed minimum of threads in a workgroup. */
const MOST_THREADS = 256;

const wgslFolder = fileURLToPath(new URL(".", import.meta.resolve("#wgsl/embed.wgsl")));
const files = readdirSync(wgslFolder).map((file) => file.replace(/\.wgsl$/, ""));
const sourceOf = (name: string): string => readFileSync(`${wgslFolder}${name}.wgsl`, "utf8");

/** What launchers expect of each file: every export of src/kernels/webgpu that is a Kernel. */
const kernels = new Map<string, Kernel>();
for (const file of readdirSync(`${wgslFolder}../webgpu`)) {
  const compiled = new URL(`../../../src/kernels/webgpu/${file.replace(/\.ts$/, ".js")}`, import.meta.url);
  for (const value of Object.values((await import(compiled.href)) as object)) {
    if (isKernel(value)) kernels.set(value.name, value);
  }
}

describe("shaders against their launchers", () => {
  it("has a launcher for every file, and a file for every launcher", () => {
    assert.deepEqual([...kernels.keys()].toSorted(), files.toSorted());
  });

  for (const name of files) {
    it(`${name}: entry point, bindings, uniform members`, () => {
      const kernel = kernels.get(name);
      assert.ok(kernel);
      const shader = new WgslReflect(withoutMatrices(sourceOf(name)));
      assert.deepEqual(shader.entry.compute.map((entry) => entry.name), ["main"]); // oxfmt-ignore
      assert.equal(shader.entry.vertex.length + shader.entry.fragment.length, 0);

      const groups = shader.getBindGroups();
      assert.equal(groups.length, 1);
      const bindings = groups[0] ?? [];
      assert.deepEqual(bindings.map(({ binding }) => binding), bindings.map((_, i) => i)); // oxfmt-ignore
      const [uniform, ...storage] = bindings.toReversed();
      assert.deepEqual(storage.toReversed().map(({ name: of, access }) => [of, access]), Object.entries(kernel.bindings).map(expectedBinding)); // oxfmt-ignore
      assert.deepEqual(shader.storage.length, storage.length);
      assert.deepEqual(shader.uniforms.map(({ name: of }) => of), [uniform?.name], "the uniform struct comes last"); // oxfmt-ignore
      const members = (uniform?.members ?? []).map((member) => [member.name, member.type.name]);
      assert.deepEqual(members, Object.entries(kernel.params));
    });
  }
});

describe("shaders on this adapter", () => {
  let device: GpuDevice;
  let variants: Map<string, KernelVariant>;
  /** Those of matrix units too that only other adapters have. */
  let everywhere: KernelVariant[];
  before(async () => {
    device = await GpuDevice.open({ allowSoftware: true });
    variants = new Map();
    const add = (variant: KernelVariant): unknown => variants.set(variantKey(variant), variant);
    matmulTiles(device).flatMap(variantsOf).forEach(add);
    for (const shape of SHAPES) {
      for (const withoutFeatures of [[], ["subgroups"]] as const) {
        for (const variant of await rehearseShape(shape, { withoutFeatures })) add(variant);
      }
    }
    everywhere = [...variants.values(), ...Object.values(SUBGROUP_MATRICES).flatMap(tilesFor).flatMap(variantsOf)];
  });
  after(() => device.dispose());

  it("compile in every variant that the planner can choose", async () => {
    const cache = new PipelineCache(device);
    const outcomes = await Promise.allSettled([...variants.values()].map((variant) => cache.compile(variant)));
    const failures = outcomes.filter((outcome) => outcome.status === "rejected");
    assert.deepEqual(failures.map(({ reason }) => String(reason)), []); // oxfmt-ignore
    assert.ok(outcomes.length > 60, `${outcomes.length} variants`);
  });

  it("declare every constant that launchers set, and none besides", () => {
    for (const name of files) {
      const source = sourceOf(name);
      const set = new Set<string>();
      for (const { kernel, constants } of everywhere) {
        if (kernel.name !== name) continue;
        specialize(name, source, constants); // throws where one is not declared exactly once
        for (const constant of Object.keys(constants)) set.add(constant);
      }
      // Overrides with a value of their own; those made from others are the shader's business, as may be its threads.
      const declared = Array.from(source.matchAll(/^override (\w+)(?:: \w+)? = \d+u?;/gm), ([, constant]) => constant);
      for (const constant of declared) {
        assert.ok(set.has(constant ?? "") || constant === "threads", `${name}: nobody sets ${constant}`);
      }
    }
  });

  it("have no larger workgroups than every adapter offers", () => {
    for (const { kernel, constants } of everywhere) {
      const source = sourceOf(kernel.name);
      const [, sizes = ""] = /@workgroup_size\(([^)]*)\)/.exec(source) ?? [];
      assert.notEqual(sizes, "", kernel.name);
      const threads = sizes.split(",").map((size) => valueOf(size.trim(), source, constants));
      const product = threads.reduce((a, b) => a * b, 1);
      assert.ok(product > 0 && product <= MOST_THREADS, `${kernel.name}: ${sizes} = ${product}`);
    }
  });
});

function variantsOf({ kernel, constants }: MatmulTile): KernelVariant[] {
  return Object.values(WEIGHT_TYPE).flatMap((weightType) =>
    Object.values(EPILOGUE).map((epilogue) => ({ kernel, constants: { ...constants, weightType, epilogue } })),
  );
}

/** The parser does not know subgroup matrices, nor their functions' template parameters; no binding has such a type. */
function withoutMatrices(source: string): string {
  return source.replace(/\bsubgroup_matrix_\w+<[^>]*>/g, "f32").replace(/\b(subgroupMatrix\w+)<[^>]*>/g, "$1");
}

function valueOf(name: string, source: string, constants: KernelVariant["constants"]): number {
  if (name in constants) return Number(constants[name]);
  if (/^\d+u?$/.test(name)) return Number.parseInt(name, 10);
  const [, value = "0"] = new RegExp(`^(?:override|const) ${name}\\b[^=]*= (\\d+)u?;`, "m").exec(source) ?? [];
  return Number(value);
}

/** What a kernel only writes is declared as read_write: WGSL has storage buffers of no other kind. */
function expectedBinding([name, access]: [name: string, access: Access]): [name: string, access: string] {
  return [name, access === "read" ? "read" : "read_write"];
}

function isKernel(value: unknown): value is Kernel {
  return typeof value === "object" && value !== null && "bindings" in value && "params" in value && "name" in value;
}
