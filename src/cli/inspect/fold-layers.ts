import type { InspectedTensor } from "../inspect.ts";

/**
 * Joins tensors that differ only in the number of their layer into one row: `layers.{0…27}.mlp.down_proj.weight`, with
 * the bytes of all of them.
 */
export function foldLayers(tensors: readonly InspectedTensor[]): InspectedTensor[] {
  const groups = new Map<string, { first: InspectedTensor; numbers: number[]; bytes: number }>();
  for (const tensor of tensors) {
    const number = /(?<=\.)\d+(?=\.)/.exec(tensor.name);
    const pattern = number === null ? tensor.name : tensor.name.replace(/(?<=\.)\d+(?=\.)/, "*");
    const key = JSON.stringify([pattern, tensor.dtype, tensor.shape, tensor.file]);
    const group = groups.get(key) ?? { first: tensor, numbers: [], bytes: 0 };
    groups.set(key, group);
    group.bytes += tensor.bytes;
    if (number !== null) group.numbers.push(Number(number[0]));
  }
  return Array.from(groups.values(), ({ first, numbers, bytes }) => {
    if (numbers.length < 2) return first;
    const name = first.name.replace(/(?<=\.)\d+(?=\.)/, `{${ranges(numbers)}}`);
    return { ...first, name, bytes };
  });
}

/** 0, 1, 2, 5 → "0…2, 5" */
function ranges(numbers: readonly number[]): string {
  const runs: { first: number; last: number }[] = [];
  for (const number of [...numbers].sort((a, b) => a - b)) {
    const run = runs.at(-1);
    if (run !== undefined && number === run.last + 1) run.last = number;
    else runs.push({ first: number, last: number });
  }
  return runs.map(({ first, last }) => (first === last ? String(first) : `${first}…${last}`)).join(", ");
}
