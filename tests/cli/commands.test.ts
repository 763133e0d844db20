import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { runCommand } from "./run-command.ts";
import { TemporaryFolder } from "./temporary-folder.ts";

const REPOSITORY = fileURLToPath(new URL("../../../", import.meta.url));
const MODELS = `${REPOSITORY}tests/fixtures/goldens/models`;

async function json(args: readonly string[], stdin = ""): Promise<unknown> {
  const { code, stdout, stderr } = await runCommand([...args, "--quiet"], { stdin });
  assert.deepEqual([code, stderr], [0, ""]);
  return JSON.parse(stdout.toString());
}

function assertNear(actual: unknown, expected: readonly (readonly number[])[], tolerance: number): void {
  for (const [i, row] of expected.entries()) {
    for (const [j, value] of row.entries()) {
      const got = (actual as number[][])[i]?.[j] ?? Number.NaN;
      assert.ok(Math.abs(got - value) <= tolerance, `[${i}][${j}]: ${got}, expected ${value}`);
    }
  }
}

describe("qwen3 without a command", () => {
  it("prints the similarities that sentence-transformers gets, the device, tokens and time", async () => {
    const { code, stdout, stderr } = await runCommand([]);
    assert.equal(code, 0);
    assert.match(stderr, /demonstration model/);
    const text = stdout.toString();
    assert.match(text, /^ 0\.9055 {2}0\.0673 {2}What is the capital of China\?$/m);
    assert.match(text, /^-0\.0278 {2}0\.3494 {2}Explain gravity$/m);
    for (const field of ["device", "tokens", "time"]) assert.match(text, new RegExp(`^${field} `, "m"));
  });
});

describe("qwen3 embed", () => {
  const texts = ["one", "two words"];

  it("gives the same vectors in every format", async () => {
    using folder = new TemporaryFolder();
    const vectors = (await json(["embed", ...texts, "--dimensions", "8"])) as number[][];
    assert.deepEqual(
      vectors.map(({ length }) => length),
      [8, 8],
    );
    const lines = await runCommand(["embed", ...texts, "--dimensions", "8", "-q", "--format", "jsonl"]);
    const parsed = lines.stdout
      .toString()
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line) as object);
    assert.deepEqual(
      parsed,
      texts.map((text, i) => ({ text, embedding: vectors[i] })),
    );
    const csv = folder.file("a.csv");
    await runCommand(["embed", ...texts, "--dimensions", "8", "-q", "--output", csv]);
    const rows = readFileSync(csv, "utf8").trimEnd().split("\n");
    assert.deepEqual(
      rows.map((row) => row.split(",").map(Number)),
      vectors,
    );
    const npy = folder.file("a.npy");
    await runCommand(["embed", ...texts, "--dimensions", "8", "-q", "--output", npy]);
    const bytes = readFileSync(npy);
    assert.deepEqual(new Float32Array(Uint8Array.from(bytes.subarray(-64)).buffer), Float32Array.from(vectors.flat()));
    assert.equal(bytes.length % 64, 0);
    assert.deepEqual(readdirSync(folder.path).toSorted(), ["a.csv", "a.npy"], "no temporary file is left");
  });

  it("reads texts from standard input and files, after those of the arguments", async () => {
    using folder = new TemporaryFolder().write({
      "lines.txt": "one\r\ntwo words\n",
      "list.json": JSON.stringify(texts),
      "lines.jsonl": `"one"\n{"id":7,"text":"two words"}\n`,
    });
    const expected = await json(["embed", ...texts, "--dimensions", "4"]);
    for (const name of ["lines.txt", "list.json", "lines.jsonl"]) {
      assert.deepEqual(await json(["embed", "--dimensions", "4", "--input", folder.file(name)]), expected, name);
    }
    assert.deepEqual(await json(["embed", "--dimensions", "4", "--input", "-"], "one\ntwo words\n"), expected);
    assert.deepEqual(await json(["embed", "--dimensions", "4", "one", "-"], "two words\n"), expected);
  });

  it("puts the prompt of the checkpoint before queries", async () => {
    const named = await json(["embed", "a", "--prompt-name", "query", "--dimensions", "4"]);
    const task = "Given a web search query, retrieve relevant passages that answer the query";
    assert.deepEqual(await json(["embed", "a", "--instruction", task, "--dimensions", "4"]), named);
    assert.deepEqual(await json(["embed", `Instruct: ${task}\nQuery:a`, "--dimensions", "4"]), named);
    assert.notDeepEqual(await json(["embed", "a", "--dimensions", "4"]), named);
  });

  it("says which line of the input it cannot read", async () => {
    using folder = new TemporaryFolder().write({ "a.jsonl": '"one"\n{"txt":"two"}\n' });
    const { code, stderr } = await runCommand(["embed", "--input", folder.file("a.jsonl")]);
    assert.equal(code, 1);
    assert.match(stderr, /a\.jsonl:2: expected a string, or an object whose "text" is one/);
  });

  it("leaves an existing output as it was when it fails", async () => {
    using folder = new TemporaryFolder().write({ "a.json": "before" });
    const { code } = await runCommand(["embed", "a", "--prompt-name", "nosuch", "-q", "-o", folder.file("a.json")]);
    assert.equal(code, 1);
    assert.deepEqual(readdirSync(folder.path), ["a.json"]);
    assert.equal(readFileSync(folder.file("a.json"), "utf8"), "before");
    const { stderr } = await runCommand(["embed", "a", "-q", "-o", folder.file("no", "b.json")]);
    assert.match(stderr, /^qwen3: .*b\.json cannot be written: there is no folder .*no\n$/);
  });
});

describe("--revectorize", () => {
  it("reaches the CPU backend, which uses it or says why not, and changes nothing", async () => {
    const embed = ["embed", "a", "--device", "wasm", "--dimensions", "4", "--format", "json"];
    const fast = await runCommand([...embed, "--verbose", "--revectorize"]);
    assert.match(fast.stderr, /\(WebAssembly relaxed SIMD, revectorized, |revectorize: this engine cannot join/);
    assert.deepEqual(JSON.parse(fast.stdout.toString()), await json(embed));
  });

  it("is refused for other devices", async () => {
    for (const args of [["embed", "a"], ["serve"]]) {
      const { code, stderr } = await runCommand([...args, "--device", "reference", "--revectorize"]);
      assert.equal(code, 2);
      assert.match(stderr, /^qwen3: --revectorize is for --device wasm, got reference; leave one of them out\n$/m);
    }
  });
});

describe("qwen3 similarity", () => {
  it("prints the matrix beside the texts, and as JSON", async () => {
    const matrix = await json(["similarity", "a cat", "a kitten", "--json"]);
    const [[, off] = []] = matrix as number[][];
    assertNear(
      matrix,
      [
        [1, off ?? 0],
        [off ?? 0, 1],
      ],
      1e-6,
    );
    const { stdout } = await runCommand(["similarity", "a cat", "a\u001b[31m kitten", "-q"]);
    assert.match(stdout.toString(), /^1\.0000 {2}0\.\d{4} {2}a cat\n0\.\d{4} {2}1\.0000 {2}a kitten\n$/);
  });
});

describe("qwen3 tokenize", () => {
  it("shows ids, tokens and where they come from", async () => {
    const { code, stdout } = await runCommand(["tokenize", "Hi 東"]);
    assert.equal(code, 0);
    assert.match(stdout.toString(), /<\|endoftext\|>/);
    const [{ tokens }] = (await json(["tokenize", "Hi 東", "--json", "--no-special-tokens"])) as [{ tokens: Token[] }];
    assert.deepEqual(tokens[0], { id: 39, token: "H", text: "H", start: 0, end: 1 });
    assert.deepEqual(tokens.at(-1)?.text, "東");
  });
});

interface Token {
  readonly text: string;
}

describe("qwen3 inspect", () => {
  it("folds alike layers of the bundled model and lists them with --all", async () => {
    const { stdout } = await runCommand(["inspect"]);
    assert.match(stdout.toString(), /layers\.\{0…3\}\.mlp\.down_proj\.weight +BF16 +\[192, 512\] +768\.0 KiB/);
    assert.match(stdout.toString(), /46 tensors, 3,344,576 elements/);
    const all = await runCommand(["inspect", "--all"]);
    assert.match(all.stdout.toString(), /layers\.2\.mlp\.down_proj\.weight +BF16 +\[192, 512\] +192\.0 KiB/);
  });

  it("reads shards, single files and folders without config.json", async () => {
    const sharded = (await json(["inspect", `${MODELS}/mini-causal`, "--json"])) as Inspection;
    assert.equal(sharded.files.length, 3);
    assert.match(sharded.model ?? "", /^Qwen3: 2 layers, width 96/);
    const file = `${MODELS}/mini-causal/model-00001-of-00003.safetensors`;
    const single = (await json(["inspect", file, "--json"])) as Inspection;
    assert.ok(single.tensors.length < sharded.tensors.length);
    using folder = new TemporaryFolder().write({ "adapter_model.safetensors": readFileSync(file) });
    const loose = (await json(["inspect", folder.path, "--json"])) as Inspection;
    assert.equal(loose.tensors.length, single.tensors.length);
  });

  it("says why a checkpoint cannot be run, and what is wrong with a file", async () => {
    using folder = new TemporaryFolder().write({
      "config.json": '{"model_type":"llama"}',
      "model.safetensors": readFileSync(`${MODELS}/mini-embed/model.safetensors`),
      "bad.safetensors": "not a safetensors file",
    });
    const { model } = (await json(["inspect", folder.path, "--json"])) as Inspection;
    assert.match(model ?? "", /^cannot be run: .*llama/);
    const { code, stderr } = await runCommand(["inspect", folder.file("bad.safetensors")]);
    assert.equal(code, 1);
    assert.match(stderr, /bad\.safetensors/);
  });
});

interface Inspection {
  readonly model?: string;
  readonly files: readonly unknown[];
  readonly tensors: readonly unknown[];
}

describe("qwen3 devices", () => {
  it("lists every backend and which one auto takes", async () => {
    const { auto, devices } = (await json(["devices", "--json"])) as { auto: string; devices: Device[] };
    assert.deepEqual(
      devices.map(({ kind }) => kind),
      ["webgpu", "wasm", "reference"],
    );
    assert.ok(devices.every(({ device, reason }) => (device === undefined) !== (reason === undefined)));
    assert.ok(devices.find(({ kind }) => kind === auto)?.device, "what auto takes is there");
    const { stdout } = await runCommand(["devices"]);
    assert.match(stdout.toString(), new RegExp(`^${auto} .*← --device auto$`, "m"));
  });

  it("says of every adapter what it is, can do, and which kernels it gets", async () => {
    const { stdout } = await runCommand(["devices"]);
    const { devices } = (await json(["devices", "--json"])) as { devices: Device[] };
    const adapters = devices.flatMap((device) => device.adapters ?? []);
    for (const { name, software, limits } of adapters) {
      assert.ok(stdout.toString().includes(`adapter: ${name}`));
      assert.equal(typeof software, "boolean");
      assert.ok((limits["maxStorageBufferBindingSize"] ?? 0) >= 2 ** 27);
    }
    for (const fact of ["features", "limits", "kernels"]) {
      const lines = stdout.toString().match(new RegExp(`^ +${fact}: .`, "gm")) ?? [];
      assert.ok(lines.length >= adapters.length, fact);
    }
    assert.match(stdout.toString(), /^auto takes \w+ because /m);
  });

  it("says what to install where no adapter is found", async () => {
    const env = { VK_ICD_FILENAMES: "/nonexistent.json", VK_DRIVER_FILES: "/nonexistent.json" };
    const { stdout } = await runCommand(["devices"], { env });
    if (process.platform === "linux") assert.match(stdout.toString(), /install a Vulkan driver and loader/);
    assert.match(stdout.toString(), /auto takes wasm because no GPU adapter answers/);
  });
});

interface Device {
  readonly kind: string;
  readonly device?: object;
  readonly reason?: string;
  readonly adapters?: readonly {
    readonly name: string;
    readonly software: boolean;
    readonly limits: Readonly<Record<string, number>>;
  }[];
}
