/**
 * Just enough of protobuf and of ONNX' schema (onnx.proto3) to write a graph of matrix products, so that the bench needs no
 * Python.
 */
type Field = readonly [number: number, value: number | string | Uint8Array];

export interface OnnxNode {
  readonly type: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
}

export interface OnnxTensor {
  readonly name: string;
  readonly dims: readonly number[];
  readonly values: Float32Array | BigInt64Array;
}

export interface OnnxValue {
  readonly name: string;
  readonly dims: readonly number[];
}

export interface OnnxGraph {
  readonly nodes: readonly OnnxNode[];
  readonly initializers: readonly OnnxTensor[];
  readonly inputs: readonly OnnxValue[];
  readonly outputs: readonly OnnxValue[];
}

const FLOAT = 1;
const INT64 = 7;
const IR_VERSION = 8;
const OPSET = 17;

/** A ModelProto. */
export function onnxModel(graph: OnnxGraph): Uint8Array {
  const opset = message([1, ""], [2, OPSET]);
  return message([1, IR_VERSION], [7, encodeGraph(graph)], [8, opset]);
}

function encodeGraph({ nodes, initializers, inputs, outputs }: OnnxGraph): Uint8Array {
  return message(
    ...nodes.map((node): Field => [1, encodeNode(node)]),
    [2, "bench"],
    ...initializers.map((tensor): Field => [5, encodeTensor(tensor)]),
    ...inputs.map((value): Field => [11, encodeValue(value)]),
    ...outputs.map((value): Field => [12, encodeValue(value)]),
  );
}

function encodeNode({ type, inputs, outputs }: OnnxNode): Uint8Array {
  return message(...inputs.map((name): Field => [1, name]), ...outputs.map((name): Field => [2, name]), [4, type]);
}

function encodeTensor({ name, dims, values }: OnnxTensor): Uint8Array {
  const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  const type = values instanceof Float32Array ? FLOAT : INT64;
  return message(...dims.map((size): Field => [1, size]), [2, type], [8, name], [9, bytes]);
}

function encodeValue({ name, dims }: OnnxValue): Uint8Array {
  const shape = message(...dims.map((size): Field => [1, message([1, size])]));
  return message([1, name], [2, message([1, message([1, FLOAT], [2, shape])])]);
}

function message(...fields: readonly Field[]): Uint8Array {
  return Buffer.concat(fields.flatMap(([number, value]) => encodeField(number, value)));
}

function encodeField(number: number, value: number | string | Uint8Array): Uint8Array[] {
  if (typeof value === "number") return [varint(number * 8), varint(value)];
  const bytes = typeof value === "string" ? Buffer.from(value) : value;
  return [varint(number * 8 + 2), varint(bytes.length), bytes];
}

function varint(value: number): Uint8Array {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) + 128);
  return Uint8Array.from([...bytes, rest]);
}
