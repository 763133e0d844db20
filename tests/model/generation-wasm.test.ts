import { createBackend } from "../../src/index.ts";
import { describeGeneration } from "../support/generation.ts";

describeGeneration("wasm", () => createBackend({ kind: "wasm", threads: 2 }), { logits: 5e-5 });

/** Most layers begin another memory, and so does the cache. */
const several = { kind: "wasm", threads: 2, weightsPerMemory: 2 ** 17 } as const;
describeGeneration("wasm, several memories", () => createBackend(several), { logits: 5e-5 });
