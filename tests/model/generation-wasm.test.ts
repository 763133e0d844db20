import { createBackend } from "../../src/index.ts";
import { describeGeneration } from "../support/generation.ts";

describeGeneration("wasm", () => createBackend({ kind: "wasm", threads: 2 }), { logits: 5e-5 });
