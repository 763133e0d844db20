import { createBackend } from "../../src/index.ts";
import { describeReranker } from "../support/reranker.ts";

describeReranker("wasm", () => createBackend({ kind: "wasm", threads: 2 }), {
  bundled: 2e-5,
  mini: 1e-5,
  sharing: 2e-6,
});
