import assert from "node:assert/strict";
import { cp, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { EmbeddingModel } from "../../src/index.ts";
import { SafetensorsFile } from "../../src/weights/index.ts";
import { maxDifference } from "../support/close.ts";
import { fixture, fixtureJson } from "../support/fixtures.ts";

const BUNDLED = fileURLToPath(new URL("../../../src/weights/bundled/qwen3-embedding-tiny", import.meta.url));
const texts = fixtureJson<string[]>("fine-tunes/texts.json");
const on = { device: "reference" } as const;

describe("fine-tunes", () => {
  let folder: string;
  let oracle: SafetensorsFile;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "qwen3-fine-tunes-"));
    oracle = await SafetensorsFile.open(fixture("fine-tunes/vectors.safetensors"));
  });
  after(async () => {
    await oracle.close();
    await rm(folder, { recursive: true });
  });

  async function assertVectors(key: string, vectors: readonly Float32Array[], tolerance: number): Promise<void> {
    const width = oracle.tensors.get(key)?.shape[1] ?? 0;
    const expected = await oracle.readFloat32(key);
    assert.equal(vectors.length * width, expected.length);
    for (const [i, vector] of vectors.entries()) {
      const worst = maxDifference(vector, expected.subarray(i * width, (i + 1) * width));
      assert.ok(worst <= tolerance, `${key}[${i}] ${JSON.stringify(texts[i])}: off by ${worst}`);
    }
  }

  async function copyOf(path: string, name: string): Promise<string> {
    const copy = join(folder, name);
    await cp(fixture(path), copy, { recursive: true });
    return copy;
  }

  async function editJson(file: string, change: Record<string, unknown>): Promise<void> {
    const value = JSON.parse(await readFile(file, "utf8")) as object;
    await writeFile(file, JSON.stringify({ ...value, ...change }));
  }

  describe("a LoRA adapter", () => {
    it("is merged as PEFT computes it", async () => {
      await using model = await EmbeddingModel.load(undefined, {
        ...on,
        lora: fixture("fine-tunes/lora"),
        dtype: "f32",
      });
      await assertVectors("lora", await model.encode(texts), 2e-6);
    });

    it("is merged into bf16 weights, rounded once", async () => {
      await using model = await EmbeddingModel.load(undefined, { ...on, lora: fixture("fine-tunes/lora") });
      await using base = await EmbeddingModel.load(undefined, on);
      assert.equal(model.memory.weights, base.memory.weights);
      await assertVectors("lora", await model.encode(texts), 5e-3);
    });

    it("finds its base model when its own folder is loaded", async () => {
      await using model = await EmbeddingModel.load(fixture("fine-tunes/lora"), { ...on, dtype: "f32" });
      await assertVectors("lora", await model.encode(texts), 2e-6);
    });

    const refused: readonly [string, Record<string, unknown>, RegExp][] = [
      ["DoRA", { use_dora: true }, /adapter_config\.json: 'use_dora' is true; this runtime merges plain LoRA only/],
      ["another method", { peft_type: "IA3" }, /'peft_type' is "IA3"/],
      ["whole modules", { modules_to_save: ["lm_head"] }, /'modules_to_save' is \["lm_head"\]/],
      ["ranks by pattern", { rank_pattern: { q_proj: 8 } }, /'rank_pattern' is \{"q_proj":8\}/],
      ["a rank that is not the file's", { r: 4 }, /has shape \[3, \d+\], its lora_B rank 3; expected rank 4/],
      ["a missing alpha", { lora_alpha: null }, /'lora_alpha' is null, expected a positive number/],
    ];
    for (const [what, change, message] of refused) {
      it(`is refused with ${what}`, async () => {
        const adapter = await copyOf("fine-tunes/lora", `lora ${what}`);
        await editJson(join(adapter, "adapter_config.json"), change);
        await assert.rejects(EmbeddingModel.load(undefined, { ...on, lora: adapter }), { name: "Qwen3Error", message });
      });
    }

    it("is refused over a model it was not trained on", async () => {
      const wrong = EmbeddingModel.load(fixture("goldens/models/mini-embed"), {
        ...on,
        lora: fixture("fine-tunes/lora"),
      });
      await assert.rejects(wrong, /LoRA update of 'layers\.0\.\S+' has shape .* is it the adapter's own base model\?/);
    });
  });

  describe("mean pooling and Dense modules", () => {
    async function denseModel(name: string): Promise<string> {
      const copy = await copyOf("fine-tunes/dense", name);
      for (const file of ["config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"]) {
        await symlink(join(BUNDLED, file), join(copy, file));
      }
      return copy;
    }

    it("give sentence-transformers' vectors", async () => {
      await using model = await EmbeddingModel.load(await denseModel("dense"), on);
      assert.equal(model.dimensions, 24);
      await assertVectors("dense/raw", await model.encode(texts, { normalize: false }), 2e-6);
      await assertVectors("dense/normalized/16", await model.encode(texts, { dimensions: 16 }), 2e-6);
      await assert.rejects(
        model.encode("x", { dimensions: 25 }),
        /dimensions is 25; expected a whole number from 1 to 24/,
      );
    });

    const refused: readonly [string, string, Record<string, unknown>, RegExp][] = [
      [
        "another pooling",
        "1_Pooling/config.json",
        { pooling_mode: "weightedmean" },
        /1_Pooling\/config\.json: pooling weightedmean is not supported/,
      ],
      [
        "a mean without the prompt",
        "1_Pooling/config.json",
        { include_prompt: false },
        /include_prompt false is not supported/,
      ],
      [
        "another activation",
        "2_Dense/config.json",
        { activation_function: "torch.nn.modules.activation.Mish" },
        /2_Dense\/config\.json: 'activation_function'/,
      ],
      ["a residual", "3_Dense/config.json", { use_residual: true }, /3_Dense\/config\.json: 'use_residual' is true/],
      ["sizes unlike the file's", "2_Dense/config.json", { out_features: 41 }, /linear\.weight/],
      ["modules that do not follow each other", "3_Dense/config.json", { in_features: 41 }, /41/],
    ];
    for (const [what, file, change, message] of refused) {
      it(`are refused with ${what}`, async () => {
        const model = await denseModel(`dense ${what}`);
        await editJson(join(model, file), change);
        await assert.rejects(EmbeddingModel.load(model, on), { name: "Qwen3Error", message });
      });
    }
  });
});
