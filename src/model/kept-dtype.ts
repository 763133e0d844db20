import { Qwen3Error } from "../core/errors.ts";
import type { KeptDType } from "./decoder-weights.ts";
import type { LoadOptions } from "./load-options.ts";

export type DTypeOption = NonNullable<LoadOptions["dtype"]>;

/** Eight bits are made by the backend, from what is stored. */
const KEPT: Readonly<Record<DTypeOption, KeptDType>> = { auto: "stored", f32: "F32", bf16: "BF16", int8: "stored" };

/** How the checkpoint's matrices are handed to the backend. */
export function keptDType(dtype: DTypeOption): KeptDType {
  if (Object.hasOwn(KEPT, dtype)) return KEPT[dtype];
  throw new Qwen3Error(
    "invalid-argument",
    `dtype ${JSON.stringify(dtype)}; expected one of ${Object.keys(KEPT).join(", ")}`,
  );
}
