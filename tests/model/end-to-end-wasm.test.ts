import { createBackend } from "../../src/index.ts";
import { describeEndToEnd } from "../support/sentence-transformers.ts";

/** Every text, those beyond the model's 2,048 tokens included. */
describeEndToEnd("wasm", () => createBackend({ kind: "wasm" }), { tolerance: 2e-6 });
