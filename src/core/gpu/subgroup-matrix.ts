/** One multiplication of the GPU's matrix units, which threads of a subgroup share: [rows, depth] · [depth, columns]. */
export interface SubgroupMatrix {
  /** What is multiplied; sums are float32. */
  readonly input: "f16" | "f32";
  readonly rows: number;
  readonly columns: number;
  readonly depth: number;
  /** Threads of the largest subgroup. */
  readonly lanes: number;
}

/** As Dawn describes it; no published types have it yet. */
interface DescribesMatrices {
  readonly subgroupMatrixConfigs?: readonly {
    readonly componentType: string;
    readonly resultComponentType: string;
    readonly M: number;
    readonly N: number;
    readonly K: number;
  }[];
}

/** The adapter's best unit that sums in float32: float32 inputs before float16, else in the driver's order. */
export function subgroupMatrixOf(info: GPUAdapterInfo & DescribesMatrices): SubgroupMatrix | undefined {
  const { subgroupMatrixConfigs: configs = [], subgroupMaxSize: lanes = 0 } = info;
  for (const input of ["f32", "f16"] as const) {
    const found = configs.find(
      ({ componentType, resultComponentType }) => componentType === input && resultComponentType === "f32",
    );
    if (found && lanes > 0) return { input, rows: found.M, columns: found.N, depth: found.K, lanes };
  }
  return undefined;
}
