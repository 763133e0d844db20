/** onnxruntime-node's MatMul with float32 weights, at the sizes of our fused products. */
import { createRequire } from "node:module";
import { join } from "node:path";
import { kernelCase } from "../kernels/cases.ts";
import type { KernelDriver } from "../kernels/protocol.ts";
import { RepeatedTimer } from "../kernels/repeated.ts";
import { installed, versionOf } from "./install.ts";
import { onnxModel } from "./onnx-file.ts";

interface Session {
  run(inputs: object): Promise<Readonly<Record<string, { getData(): Promise<unknown> }>>>;
  release(): Promise<void>;
}

interface OnnxRuntime {
  readonly InferenceSession: { create(model: Uint8Array, options: object): Promise<Session> };
  readonly Tensor: new (type: string, data: Float32Array, dims: readonly number[]) => object;
}

interface Product {
  readonly rows: number;
  readonly columns: number;
  readonly inner: number;
}

/** Options: `provider` (cpu, webgpu), `threads`, `cache`. */
export async function open(options: Readonly<Record<string, string>>): Promise<KernelDriver> {
  const { provider = "cpu", threads = "2", cache = "" } = options;
  const folder = installed("onnxruntime-node", cache);
  const library = createRequire(join(folder, "package.json"))(folder) as OnnxRuntime;
  const sessions: Session[] = [];
  const close = async (): Promise<void> => {
    for (const session of sessions.splice(0)) await session.release();
  };
  let timer: RepeatedTimer | undefined;
  return {
    about: { "onnxruntime-node": versionOf(folder), provider, threads },
    async prepare({ op, rows, sizes }) {
      const { product } = kernelCase(sizes, op, rows);
      if (!product) return false;
      await close();
      const x = new library.Tensor("float32", noise(rows * product.inner), [rows, product.inner]);
      timer = new RepeatedTimer(async (times) => {
        const session = await library.InferenceSession.create(products({ ...product, rows }, times), {
          executionProviders: [provider],
          intraOpNumThreads: Number(threads),
        });
        sessions.push(session);
        return async () => {
          await Promise.all(Object.values(await session.run({ x })).map((output) => output.getData()));
        };
      }, mostRuns(product));
      await timer.warmUp();
      return true;
    },
    measure: async () => ({ ms: (await timer?.measure()) ?? Number.NaN }),
    close,
  };
}

/** Every run has weights of its own; together they must stay below protobuf's 2 GiB. */
function mostRuns({ columns, inner }: Omit<Product, "rows">): number {
  return Math.max(3, Math.min(16, Math.floor(1.5e9 / (4 * columns * inner))));
}

/** `times` products of one input with different weights, so that none can be left out, and a row of each as output. */
function products({ rows, columns, inner }: Product, times: number): Uint8Array {
  const numbers = Array.from({ length: times }, (_, i) => i);
  return onnxModel({
    nodes: numbers.flatMap((i) => [
      { type: "MatMul", inputs: ["x", `w${i}`], outputs: [`y${i}`] },
      { type: "Gather", inputs: [`y${i}`, "first"], outputs: [`row${i}`] },
    ]),
    initializers: [
      { name: "first", dims: [1], values: BigInt64Array.of(0n) },
      ...numbers.map((i) => ({ name: `w${i}`, dims: [inner, columns], values: noise(inner * columns) })),
    ],
    inputs: [{ name: "x", dims: [rows, inner] }],
    outputs: numbers.map((i) => ({ name: `row${i}`, dims: [1, columns] })),
  });
}

function noise(length: number): Float32Array {
  return Float32Array.from({ length }, () => Math.random() - 0.5);
}
