import { checkList, checkText } from "./arguments.ts";

/** @throws Qwen3Error `invalid-argument` naming the place of what is no text */
export function checkTexts(texts: readonly unknown[]): void {
  checkList("texts", texts, "a string or a list of strings");
  for (const [i, text] of texts.entries()) checkText(`texts[${i}]`, text);
}

interface UniqueTexts {
  /** Each different text, with the index at which it first stands. */
  readonly unique: readonly { readonly text: string; readonly index: number }[];
  /** Where each of them stands in the list. */
  readonly places: readonly (readonly number[])[];
}

/** Groups equal texts, which are computed once. */
export function deduplicate(texts: readonly string[]): UniqueTexts {
  const groups = new Map<string, number[]>();
  for (const [index, text] of texts.entries()) {
    const group = groups.get(text);
    if (group) group.push(index);
    else groups.set(text, [index]);
  }
  const places = [...groups.values()];
  return { unique: [...groups.keys()].map((text, i) => ({ text, index: places[i]?.[0] ?? 0 })), places };
}
