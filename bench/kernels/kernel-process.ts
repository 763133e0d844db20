import { fileURLToPath } from "node:url";
import { LineProcess } from "../line-process.ts";
import type { CaseName, Computed, Measured, Opened, Prepared, Request } from "./protocol.ts";

/** How a contender is started. */
export interface KernelSpec {
  readonly label: string;
  /** Module that exports `open`, relative to this folder, without its ending. */
  readonly module: string;
  readonly options: Readonly<Record<string, string>>;
}

/** A process that runs kernels. */
export class KernelProcess {
  readonly label: string;
  readonly opened: Opened;
  readonly #process: LineProcess;

  private constructor(label: string, process: LineProcess, opened: Opened) {
    this.label = label;
    this.#process = process;
    this.opened = opened;
  }

  static async start({ label, module, options }: KernelSpec): Promise<KernelProcess> {
    const child = fileURLToPath(new URL("child.js", import.meta.url));
    const started = new LineProcess({ label, command: [process.execPath, child] });
    const driver = new URL(`${module}.js`, import.meta.url).href;
    const request: Request = { kind: "open", driver, options };
    return new KernelProcess(label, started, await started.ask<Opened>(request));
  }

  /** Gets ready for a case; `false` if this contender has no kernel for it. */
  async prepare(name: CaseName): Promise<boolean> {
    return (await this.#process.ask<Prepared>({ kind: "prepare", case: name } satisfies Request)).supported;
  }

  measure(): Promise<Measured> {
    return this.#process.ask({ kind: "measure" } satisfies Request);
  }

  /** The result of a case; empty from those that cannot be asked for numbers. */
  async compute(name: CaseName): Promise<Float32Array> {
    const { values } = await this.#process.ask<Computed>({ kind: "compute", case: name } satisfies Request);
    const bytes = Buffer.from(values, "base64");
    return new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
  }

  close(): Promise<void> {
    return this.#process.end({ kind: "close" } satisfies Request);
  }
}
