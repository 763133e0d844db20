import assert from "node:assert/strict";
import { cpSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { setTimeout } from "node:timers/promises";
import { type Backend, createBackend, EmbeddingModel } from "../../src/index.ts";
import type { MatrixSource } from "../../src/kernels/backend.ts";
import { fixture } from "../support/fixtures.ts";

/** Matrices of mini-embed: a table, and four for each of three layers. */
const MATRICES = 13;

/** A backend that takes its time over each matrix, and what a load that failed left of it. */
class WatchedBackend {
  readonly sources: MatrixSource[] = [];
  underWay = 0;
  underWayAtDispose: number | undefined;
  readonly backend: Backend;

  constructor(backend: Backend, failAt?: number) {
    this.backend = backend;
    const load = backend.loadMatrix.bind(backend);
    const dispose = backend.dispose.bind(backend);
    backend.loadMatrix = async (source, use) => {
      this.underWay++;
      try {
        if (this.sources.push(source) === failAt) throw new RangeError("no room");
        await setTimeout(20);
        return await load(source, use);
      } finally {
        this.underWay--;
      }
    };
    backend.dispose = async () => {
      this.underWayAtDispose = this.underWay;
      await dispose();
    };
  }

  /** Disposed, by then with nothing under way, and the checkpoint closed. */
  async assertLeftNothing(): Promise<void> {
    assert.equal(this.underWayAtDispose, 0);
    const [source = assert.fail("no weights were read")] = this.sources;
    await assert.rejects(source.readRows(0, 1, new Uint8Array(4 * source.columns)), { code: "disposed" });
  }
}

describe("a load that fails, weights and tokenizer being read at the same time", () => {
  const folder = mkdtempSync(join(tmpdir(), "qwen3-load-"));
  after(() => rmSync(folder, { recursive: true }));

  it("for the tokenizer's sake stops reading weights and leaves nothing open", async () => {
    cpSync(fixture("goldens/models/mini-embed"), folder, { recursive: true });
    writeFileSync(join(folder, "tokenizer.json"), '{"model":{}}');
    const watched = new WatchedBackend(await createBackend({ kind: "reference" }));
    const loading = EmbeddingModel.load(folder, { backend: watched.backend });
    await assert.rejects(loading, { name: "Qwen3Error", message: /tokenizer\.json/ });
    assert.ok(watched.sources.length < MATRICES, `${watched.sources.length} matrices were read`);
    await watched.assertLeftNothing();
  });

  it("for the weights' sake leaves nothing open", async () => {
    const watched = new WatchedBackend(await createBackend({ kind: "reference" }), 3);
    await assert.rejects(EmbeddingModel.load(undefined, { backend: watched.backend }), { message: "no room" });
    assert.equal(watched.sources.length, 3);
    await watched.assertLeftNothing();
  });
});
