import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { queryTermsOf, termsOf } from "../../../src/cli/search/terms.ts";

describe("termsOf", () => {
  it("lowers, and takes plural endings off", () => {
    assert.deepEqual(termsOf("Batches, queries & tokens: boxes class bus"), [
      "batch",
      "query",
      "token",
      "box",
      "class",
      "bus",
    ]);
  });

  it("finds the parts of names beside the names", () => {
    assert.deepEqual(termsOf("lastTokenIndices"), ["lasttokenindice", "last", "token", "indice"]);
    assert.deepEqual(termsOf("WASMBackend"), ["wasmbackend", "wasm", "backend"]);
    assert.deepEqual(termsOf("max_batch_tokens"), ["max", "batch", "token"]);
  });

  it("cuts scripts without spaces into pairs of characters", () => {
    assert.deepEqual(termsOf("東京都 GPUで"), ["東京", "京都", "で", "gpu"]);
  });

  it("treats composed and decomposed letters alike", () => {
    assert.deepEqual(termsOf("cafe\u0301"), termsOf("caf\u00e9"));
  });
});

describe("queryTermsOf", () => {
  it("drops words that only ask, unless nothing else is left", () => {
    assert.deepEqual(queryTermsOf("How are batches packed, and why does this matter?"), ["batch", "packed", "matter"]);
    assert.deepEqual(queryTermsOf("who is who"), ["who", "is"]);
  });
});
