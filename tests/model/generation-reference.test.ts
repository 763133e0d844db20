import { createBackend } from "../../src/index.ts";
import { describeGeneration } from "../support/generation.ts";

describeGeneration("reference", () => createBackend({ kind: "reference" }), { logits: 2e-5 });
