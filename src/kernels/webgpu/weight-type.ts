import type { WeightDType } from "../../core/dtype.ts";

/** The shaders' `weightType`. */
export const WEIGHT_TYPE: Readonly<Record<WeightDType, number>> = { BF16: 0, F16: 1, F32: 2 };
