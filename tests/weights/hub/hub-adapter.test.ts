/** LoRA adapters by hub id, in the library and from the command line. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { EmbeddingModel } from "../../../src/index.ts";
import { runCommand } from "../../cli/run-command.ts";
import { fixture } from "../../support/fixtures.ts";
import { temporaryFolder } from "../fixtures.ts";
import { repo } from "./hub-repos.ts";
import { HubServer } from "./hub-server.ts";

const ADAPTER = "someone/my-lora";
const LORA = fixture("fine-tunes/lora");
const on = { device: "reference" } as const;

describe("a LoRA adapter on the hub", () => {
  let server: HubServer;
  let home: Awaited<ReturnType<typeof temporaryFolder>>;
  const original = { ...process.env };
  before(async () => {
    home = await temporaryFolder();
    const names = ["adapter_config.json", "adapter_model.safetensors"];
    const files = new Map(names.map((name) => [name, readFileSync(join(LORA, name))]));
    server = await HubServer.start(repo(files, { id: ADAPTER }));
    process.env = { PATH: original["PATH"], HOME: home.path, HF_ENDPOINT: server.url };
  });
  after(async () => {
    process.env = original;
    await server[Symbol.asyncDispose]();
    await home[Symbol.asyncDispose]();
  });

  it("is fetched and merged into the model it is given with, or into its own base", async () => {
    await using local = await EmbeddingModel.load(undefined, { ...on, lora: LORA });
    const expected = await local.encode("hello");
    await using given = await EmbeddingModel.load("qwen3-embedding-tiny", { ...on, lora: ADAPTER });
    assert.equal(given.name, `qwen3-embedding-tiny + ${ADAPTER}`);
    assert.deepEqual(await given.encode("hello"), expected);
    await using itself = await EmbeddingModel.load(ADAPTER, { ...on, revision: "v1.0" });
    assert.deepEqual(await itself.encode("hello"), expected);
  });

  it("is what --lora names", async () => {
    const env = { HF_ENDPOINT: server.url, HF_HUB_CACHE: join(home.path, "hub"), HF_HUB_OFFLINE: "" };
    const args = ["embed", "hello", "--device", "reference", "--quiet"];
    const outputs: string[] = [];
    for (const more of [["--lora", ADAPTER], ["--model", ADAPTER, "--revision", "v1.0"], ["--lora", LORA], []]) {
      const { code, stdout, stderr } = await runCommand([...args, ...more], { env });
      assert.equal(code, 0, stderr);
      outputs.push(stdout.toString());
    }
    const [byId, asModel, byFolder, without] = outputs;
    assert.equal(byId, byFolder);
    assert.equal(asModel, byFolder);
    assert.notEqual(byId, without);
  });

  it("is refused where it is a whole model", async () => {
    await assert.rejects(EmbeddingModel.load(undefined, { ...on, lora: "qwen3-embedding-tiny" }), {
      code: "not-found",
      message: /has no adapter_config\.json; expected a LoRA adapter as PEFT's save_pretrained writes it/,
    });
  });
});
