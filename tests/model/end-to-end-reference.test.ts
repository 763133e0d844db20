import { createBackend } from "../../src/index.ts";
import { describeEndToEnd } from "../support/sentence-transformers.ts";

/** The reference is slow: it takes a fifth of the texts, the fast backends all. */
describeEndToEnd("reference", () => createBackend({ kind: "reference" }), {
  tolerance: 1e-6,
  maxTokens: 100,
  every: 5,
});
