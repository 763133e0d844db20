import { z } from "zod";

/** Token ids are u32, as in TEI. */
const LARGEST_ID = 2 ** 32 - 1;

/** A text, its token ids, or a list of either. */
export type Inputs = string | readonly number[] | readonly (string | readonly number[])[];

/**
 * By hand, since a body may be a list of a million numbers, and a union of schemas would walk it several times and note a
 * finding for each.
 */
function isInputs(value: unknown): value is Inputs {
  return typeof value === "string" || isIds(value) || (Array.isArray(value) && value.every(isInput));
}

function isInput(value: unknown): value is string | readonly number[] {
  return typeof value === "string" || isIds(value);
}

function isIds(value: unknown): value is readonly number[] {
  return Array.isArray(value) && value.every((id) => Number.isInteger(id) && id >= 0 && id <= LARGEST_ID);
}

const ids = { type: "array", items: { type: "integer", minimum: 0, maximum: LARGEST_ID } };
const input = { anyOf: [{ type: "string" }, ids] };

export const inputs: z.ZodType<Inputs> = z
  .custom<Inputs>(isInputs, { error: "expected a string, a list of token ids, or a list of either" })
  .meta({ anyOf: [...input.anyOf, { type: "array", items: input }], examples: ["What is gravity?"] });

/** One input or several, and whether a list was given. */
export function listInputs(value: Inputs): {
  readonly list: readonly (string | readonly number[])[];
  readonly single: boolean;
} {
  // An empty list is an empty list of ids, as TEI reads it.
  if (typeof value === "string" || isIds(value)) return { list: [value], single: true };
  return { list: value, single: false };
}

/** A list of strings of any length, which routes limit themselves. */
export const strings: z.ZodType<readonly string[]> = z
  .custom<readonly string[]>((value) => Array.isArray(value) && value.every((text) => typeof text === "string"), {
    error: "expected a list of strings",
  })
  .meta({ type: "array", items: { type: "string" } });

/** A list of ids, or a list of such lists. */
export type IdLists = readonly number[] | readonly (readonly number[])[];

export const idLists: z.ZodType<IdLists> = z
  .custom<IdLists>((value) => isIds(value) || (Array.isArray(value) && value.every(isIds)), {
    error: "expected a list of token ids, or a list of such lists",
  })
  .meta({ anyOf: [ids, { type: "array", items: ids }] });

export function isIdList(value: IdLists): value is readonly number[] {
  return isIds(value);
}

export type Maybe<T> = T | null | undefined;

/** `null` means what leaving it out means. */
export function maybe<T extends z.ZodType>(type: T): z.ZodOptional<z.ZodNullable<T>> {
  return type.nullable().optional();
}
