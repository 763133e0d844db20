import { createBackend } from "../../src/index.ts";
import { describeTopK } from "../support/top-k.ts";

describeTopK("reference", () => createBackend({ kind: "reference" }));
