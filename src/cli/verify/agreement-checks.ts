import { type BackendKind, compareBackends } from "../../index.ts";
import type { LoadOptions } from "../../model/load-options.ts";
import { type Check, within } from "./check.ts";
import { OUTLIER_TEXTS } from "./invariant-checks.ts";

export interface AgreementOptions {
  readonly model: string | undefined;
  readonly device: BackendKind;
  readonly loadOptions: Omit<LoadOptions, "device" | "backend">;
}

/** Largest relative error of any layer. int8 weights are another model by about this much. */
const TOLERANCES = { float: 1e-4, int8: 0.2 } as const;

/** The device against the reference, layer by layer. */
export async function agreementChecks({ model, device, loadOptions }: AgreementOptions): Promise<Check[]> {
  const name = "layers = reference";
  if (device === "reference") return [{ name, status: "not applicable", detail: "this is the reference" }];
  const tolerance = loadOptions.dtype === "int8" ? TOLERANCES.int8 : TOLERANCES.float;
  const [agreement] = await compareBackends(model, OUTLIER_TEXTS, ["reference", device], { ...loadOptions, tolerance });
  const modules = agreement?.modules ?? [];
  const worst = modules.reduce(
    (a, b) => (b.relativeError > a.relativeError ? b : a),
    modules[0] ?? { path: "", relativeError: Number.NaN },
  );
  return [
    within(
      name,
      worst.relativeError,
      tolerance,
      `the reference at ${worst.path}, the worst of ${modules.length} modules`,
    ),
  ];
}
