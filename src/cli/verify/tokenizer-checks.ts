import type { EmbeddingModel } from "../../index.ts";
import { type Check, passes } from "./check.ts";

/** Ids that only Qwen3's own vocabulary gives. */
const QWEN3_IDS = { text: "test", ids: [1944, 151643] };
const QWEN3_VOCABULARY = 151_643;

const SAMPLE = "Hello, wörld! 你好 1234 \u{1f600}\n\tdef f(x): return x";

/** Whether the tokenizer does what a Qwen3 embedding model needs of it. */
export function tokenizerChecks({ tokenizer }: EmbeddingModel): Check[] {
  const last = tokenizer.encode("test").ids.at(-1) ?? -1;
  const end = tokenizer.decode(Uint32Array.of(last));
  const roundTrip = tokenizer.decode(tokenizer.encode(SAMPLE, { addSpecialTokens: false }).ids);
  return [
    passes("end token", end === "<|endoftext|>", `a text ends with ${JSON.stringify(end)}; the vector is taken there`),
    passes(
      "decode(encode)",
      roundTrip === SAMPLE,
      roundTrip === SAMPLE ? "gives a mixed text back" : `gives ${JSON.stringify(roundTrip)}`,
    ),
    knownIds(tokenizer),
  ];
}

function knownIds(tokenizer: EmbeddingModel["tokenizer"]): Check {
  const name = "known ids";
  if (tokenizer.vocabSize < QWEN3_VOCABULARY) {
    return { name, status: "not applicable", detail: `a vocabulary of ${tokenizer.vocabSize}, not Qwen3's` };
  }
  const ids = [...tokenizer.encode(QWEN3_IDS.text).ids];
  return passes(
    name,
    String(ids) === String(QWEN3_IDS.ids),
    `${JSON.stringify(QWEN3_IDS.text)} is [${ids.join(", ")}]`,
  );
}
