import assert from "node:assert/strict";
import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { runCommand } from "./run-command.ts";

const BUNDLED = fileURLToPath(new URL("../../../src/weights/bundled/qwen3-embedding-tiny", import.meta.url));

interface Report {
  readonly passed: boolean;
  readonly checks: readonly { readonly name: string; readonly status: string; readonly detail: string }[];
}

describe("qwen3 verify", () => {
  it("holds the bundled model against sentence-transformers' values and its own invariants", async () => {
    const { code, stdout } = await runCommand(["verify", "--device", "reference", "--json", "--quiet"]);
    const report = JSON.parse(stdout.toString()) as Report;
    assert.equal(code, 0, JSON.stringify(report));
    assert.equal(report.passed, true);
    const statuses = Object.fromEntries(report.checks.map(({ name, status }) => [name, status]));
    assert.equal(statuses["card's similarities"], "pass");
    assert.equal(statuses["alone = batched"], "pass");
    assert.equal(statuses["known ids"], "not applicable");
    assert.equal(statuses["layers = reference"], "not applicable");
    assert.equal(statuses["throughput"], "info");
  });

  it("holds the bundled reranker against transformers' values", async () => {
    const args = ["verify", "--model", "qwen3-reranker-tiny", "--device", "wasm", "--dtype", "int8", "--json"];
    for (const more of [["--device", "reference", "--dtype", "auto"], []]) {
      const { code, stdout, stderr } = await runCommand([...args, ...more]);
      assert.equal(code, 0, stderr);
      const { checks } = JSON.parse(stdout.toString()) as Report;
      const scores = checks.filter(({ name }) => name.startsWith("P(yes) of"));
      assert.deepEqual(
        scores.map(({ status }) => status),
        ["pass", "pass"],
      );
      const allowed = more.length > 0 ? "allowed 2e-5" : "allowed 3e-2";
      assert.ok(scores.every(({ detail }) => detail.endsWith(allowed)));
    }
  });

  it("asks no end token of a language model", async () => {
    const args = ["verify", "--role", "causal", "--device", "wasm", "--json"];
    const { code, stdout, stderr } = await runCommand(args);
    assert.equal(code, 0, stderr + stdout.toString());
    const { checks } = JSON.parse(stdout.toString()) as Report;
    assert.equal(checks.find(({ name }) => name === "end token")?.status, "not applicable");
    assert.equal(checks.find(({ name }) => name === "layers = reference")?.status, "pass");
  });

  it("says what is off with a model that is not what its name says, and exits with 1", async () => {
    const folder = await mkdtemp(join(tmpdir(), "qwen3-verify-"));
    try {
      const model = join(folder, "qwen3-embedding-tiny");
      await cp(BUNDLED, model, { recursive: true });
      const config = JSON.parse(await readFile(join(model, "config.json"), "utf8")) as object;
      await writeFile(join(model, "config.json"), JSON.stringify({ ...config, rms_norm_eps: 1e-3 }));
      const { code, stdout, stderr } = await runCommand(["verify", "--model", model, "--device", "reference"]);
      assert.equal(code, 1);
      assert.match(stdout.toString(), /card's similarities +FAILED +off by /);
      assert.match(
        stderr,
        /qwen3: 2 of \d+ checks failed: card's similarities, vector of "What is the capital of China\?"/,
      );
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});
