import { createBackend } from "../../src/index.ts";
import { describeEndToEnd } from "../support/sentence-transformers.ts";

/** The reference is slow, so the longest texts are left to the fast backends. */
describeEndToEnd("reference", () => createBackend({ kind: "reference" }), { tolerance: 1e-6, maxTokens: 64 });
