import { fileURLToPath } from "node:url";
import type { ProcessSpec } from "../line-process.ts";
import { LineProcess } from "../line-process.ts";
import type { Counted, Encoded, Opened, Request } from "./protocol.ts";

/** A runtime with its settings, as the table names it. */
export interface ContenderSpec extends ProcessSpec {
  /** URL of the driver module; empty where the command is a driver itself. */
  readonly driver: string;
  readonly options: Readonly<Record<string, string>>;
}

/** The command line of a Node child, `node` being the executable to use. */
export function nodeChild(node: string, ...flags: readonly string[]): string[] {
  return [node, ...flags, fileURLToPath(new URL("child.js", import.meta.url))];
}

/** A runtime under test. */
export class Contender {
  readonly spec: ContenderSpec;
  readonly opened: Opened;
  readonly #process: LineProcess;

  private constructor(spec: ContenderSpec, process: LineProcess, opened: Opened) {
    this.spec = spec;
    this.#process = process;
    this.opened = opened;
  }

  static async open(spec: ContenderSpec): Promise<Contender> {
    const process = new LineProcess(spec);
    const request: Request = { kind: "open", driver: spec.driver, options: spec.options };
    return new Contender(spec, process, await process.ask<Opened>(request));
  }

  encode(texts: readonly string[], returnVectors = false): Promise<Encoded> {
    return this.#process.ask({ kind: "encode", texts, returnVectors } satisfies Request);
  }

  async countTokens(texts: readonly string[]): Promise<readonly number[]> {
    return (await this.#process.ask<Counted>({ kind: "count", texts } satisfies Request)).tokens;
  }

  close(): Promise<void> {
    return this.#process.end({ kind: "close" } satisfies Request);
  }
}
