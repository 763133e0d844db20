import { createBackend } from "../../src/index.ts";
import { describeReranker } from "../support/reranker.ts";

/** The reference is slow, so the longest pairs and most others are left to the fast backends. */
describeReranker("reference", () => createBackend({ kind: "reference" }), {
  bundled: 2e-6,
  mini: 1e-6,
  sharing: 1e-9,
  sample: { maxTokens: 120, every: 6 },
});
